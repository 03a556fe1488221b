package doctor

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Evidence takes out of DingTalk's refusal what it was computed with:
//
//	签名校验失败,nonce:[…],timestamp:[…],url:[<url>],ticketList:[<ticket>, …]
//
// url is the URL that was checked. tickets are the living tickets, of which
// DingTalk shows the first and the last ten characters, "abcdefghij***0123456789".
// Both are empty where the message does not tell, or is cut off there.
func Evidence(message string) (url string, tickets []string) {
	_, rest, found := strings.Cut(message, "url:[")
	if !found {
		return "", nil
	}
	url, list, found := strings.Cut(rest, "],ticketList:[") // not at the next bracket: a query may hold one
	if !found {
		url, _ = strings.CutSuffix(rest, "]")
		if url == rest {
			return "", nil
		}
		return url, nil
	}
	list, closed := strings.CutSuffix(strings.TrimSpace(list), "]")
	if !closed {
		return url, nil
	}
	for masked := range strings.SplitSeq(list, ",") {
		if masked = strings.TrimSpace(masked); masked != "" {
			tickets = append(tickets, masked)
		}
	}
	return url, tickets
}

// shownEnd is how many characters of a ticket DingTalk shows at either end.
const shownEnd = 10

// Listed reports whether a ticket is among those of a refusal. Only whole masks
// count: whoever may ask must not find the ticket out letter by letter.
func Listed(ticket string, masked []string) Answer {
	if len(masked) == 0 || len(ticket) < 2*shownEnd {
		return Unknown
	}
	mask := ticket[:shownEnd] + "***" + ticket[len(ticket)-shownEnd:]
	for _, m := range masked {
		if m == mask {
			return Yes
		}
	}
	return No
}

// CheckedElsewhere returns the URL that DingTalk says it has checked, and whether
// that is another one than was signed, in whatever form.
func CheckedElsewhere(message, signed string) (quoted string, elsewhere bool) {
	quoted, _ = Evidence(message)
	quoted, _, _ = strings.Cut(quoted, "#")
	_, ours := policyOf(quoted, signed, signer.QueryDecoded)
	return quoted, quoted != "" && !ours
}

// policyOf returns the policy under which a URL has this form: the configured one
// if that is one of them.
func policyOf(form, url string, configured signer.Policy) (p signer.Policy, found bool) {
	for _, p := range []signer.Policy{configured, signer.QueryDecoded, signer.Raw, signer.Decoded} {
		if p.Form(url) == form {
			return p, true
		}
	}
	return configured, false
}
