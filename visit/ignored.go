package visit

import (
	"net/http"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// ignored returns what the peer says of the page's origin without being believed,
// nil if that would change nothing: the advice is then to trust it, rather than to
// write down an origin that only looks like the browser's.
func (v *Visit) ignored() *signer.Ignored {
	if v.Trusted || v.Early {
		return nil
	}
	seen, _, _ := v.desk.rules.Origin(v.facts())
	origin, public, err := v.originBy(v.request.Header)
	if err != nil || origin == seen {
		return nil
	}
	told := &signer.Ignored{Peer: v.peer(), Origin: origin, Vouched: public || v.desk.any || v.vouched(origin)}
	for _, name := range append([]string{"X-Forwarded-Proto", "X-Forwarded-Host"}, v.desk.settings.Forwarded...) {
		values := v.request.Header.Values(name)
		alone, _, err := v.originBy(http.Header{http.CanonicalHeaderKey(name): values})
		if len(values) > 0 && err == nil && alone != seen {
			told.Headers = append(told.Headers, name+": "+strings.Join(values, ", "))
		}
	}
	if told.Headers == nil { // they say it together
		return nil
	}
	return told
}

// originBy returns the origin of the page if these headers were believed.
func (v *Visit) originBy(headers http.Header) (o signer.Origin, public bool, err error) {
	facts := v.facts()
	facts.Forwarded = headers
	return v.desk.rules.Origin(facts)
}

// Ignored returns what the peer says if that makes the page one of this origin, but
// is not believed.
func (v *Visit) Ignored(o signer.Origin) *signer.Ignored {
	if told := v.ignored(); told != nil && told.Origin == o {
		return told
	}
	return nil
}
