package client

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Kind is a way to bring the script into a page.
type Kind int

const (
	// Inline is one inline script with the data in it: the core, which may load the rest.
	Inline Kind = iota
	// Whole is the same with both halves, where the core may load nothing.
	Whole
	// External is a data block and a script that is loaded from the endpoint.
	External
	// Data is the data block alone: no script of ours may run.
	Data
)

// Form is the form of a snippet.
type Form struct {
	Kind      Kind
	Nonce     string // for the script elements; "" if none
	Integrity bool   // the script as a file says its hash
}

// FormFor returns the form that every Content-Security-Policy of a response lets
// run: each of its policies must agree (CSP level 3, section 3). Of several such
// forms it is one about which no Content-Security-Policy-Report-Only complains, if
// there is one. An Integrity-Policy, enforced or not, wants the hash of a script
// that is loaded, which the core does not know. script returns the URL of the script as
// a file of its own.
func FormFor(header http.Header, script func() string) Form {
	enforced := header["Content-Security-Policy"]
	reported := header["Content-Security-Policy-Report-Only"]
	integrity := len(header["Integrity-Policy"])+len(header["Integrity-Policy-Report-Only"]) > 0
	var form Form
	if len(enforced)+len(reported) > 0 {
		url := script()
		form = formFor(parsePolicies(enforced, url), parsePolicies(reported, url))
	}
	if integrity && form.Kind == Inline {
		form.Kind = Whole
	}
	form.Integrity = integrity && form.Kind == External
	return form
}

func formFor(enforced, reported policies) Form {
	nonces := []string{""}
	for _, p := range enforced {
		nonces = append(nonces, p.nonces...)
	}
	for _, p := range reported {
		nonces = append(nonces, p.nonces...)
	}
	admitted := Form{Kind: Data}
	for _, kind := range []Kind{Inline, Whole, External} {
		for _, nonce := range nonces {
			if !enforced.allow(kind, nonce) {
				continue
			}
			if reported.allow(kind, nonce) {
				return Form{Kind: kind, Nonce: nonce}
			}
			if admitted.Kind == Data {
				admitted = Form{Kind: kind, Nonce: nonce}
			}
		}
	}
	return admitted
}

// policies are those of a response that limit scripts.
type policies []policy

// parsePolicies reads the values of a header, each of which may hold several.
func parsePolicies(values []string, script string) (all policies) {
	for _, value := range values {
		for text := range strings.SplitSeq(value, ",") {
			if p, limits := parsePolicy(text, script); limits {
				all = append(all, p)
			}
		}
	}
	return all
}

func (all policies) allow(kind Kind, nonce string) bool {
	for _, p := range all {
		if !p.allows(kind, nonce) {
			return false
		}
	}
	return true
}

// policy is what one policy says about scripts.
type policy struct {
	inline bool // any inline script
	self   bool // our script from the page's own origin
	loads  bool // the rest from there
	typed  bool // no script may be loaded by its bare URL (Trusted Types)
	nonces []string
}

func (p policy) allows(kind Kind, nonce string) bool {
	named := slices.Contains(p.nonces, nonce)
	switch kind {
	case Inline: // the core gives its own nonce to the rest
		return !p.typed && (named || p.inline && p.loads)
	case Whole:
		return named || p.inline
	case External:
		return named || p.self
	}
	return false
}

// parsePolicy reads one policy. It reports false if the policy does not limit scripts.
func parsePolicy(text, script string) (p policy, limits bool) {
	var sources []string
	best := 0
	beside := script[:strings.LastIndexByte(script, '/')+1] + RestName
	for directive := range strings.SplitSeq(text, ";") {
		words := strings.Fields(directive)
		if len(words) == 0 {
			continue
		}
		rank := 0
		switch strings.ToLower(words[0]) {
		case "script-src-elem":
			rank = 3
		case "script-src":
			rank = 2
		case "default-src":
			rank = 1
		case "require-trusted-types-for":
			p.typed = true
		}
		if rank > best { // of the same name the first counts
			best, sources = rank, words[1:]
		}
	}
	if best == 0 {
		p.inline, p.self, p.loads = true, true, true
		return p, p.typed
	}
	strict := false  // a nonce, a hash or 'strict-dynamic' switches 'unsafe-inline' off
	dynamic := false // 'strict-dynamic', or the hash of a URL, switches origins off
	for _, s := range sources {
		lower := strings.ToLower(s)
		switch {
		case lower == "'unsafe-inline'":
			p.inline = true
		case lower == "'strict-dynamic'":
			strict, dynamic = true, true
		case strings.HasPrefix(lower, "'nonce-"):
			nonce, closed := strings.CutSuffix(s[len("'nonce-"):], "'")
			if closed && validNonce(nonce) { // browsers ignore any other
				strict = true
				p.nonces = append(p.nonces, nonce)
			}
		case strings.HasPrefix(lower, "'sha256-"), strings.HasPrefix(lower, "'sha384-"), strings.HasPrefix(lower, "'sha512-"):
			strict = true
		case strings.HasPrefix(lower, "'url-sha"):
			dynamic = true
		case lower == "'self'":
			p.self, p.loads = true, true
		default:
			p.self = p.self || admits(s, script)
			p.loads = p.loads || admits(s, beside)
		}
	}
	p.inline = p.inline && !strict
	p.self = p.self && !dynamic
	p.loads = p.loads && !dynamic
	return p, true
}

// admits reports whether a scheme-source or host-source of a policy covers a
// URL (CSP level 3, section 6.7.2.8).
func admits(source, script string) bool {
	scheme, rest, ok := strings.Cut(script, "://")
	if !ok || strings.HasPrefix(source, "'") {
		return false
	}
	if source == "*" {
		return true
	}
	if wanted, ok := strings.CutSuffix(source, ":"); ok {
		return admitsScheme(wanted, scheme)
	}
	if wanted, behind, ok := strings.Cut(source, "://"); ok {
		if !admitsScheme(wanted, scheme) {
			return false
		}
		source = behind
	}
	authority, path, _ := strings.Cut(rest, "/")
	host, port := cutPort(authority)
	authority, wantPath, _ := strings.Cut(source, "/")
	wantHost, wantPort := cutPort(authority)
	return admitsHost(wantHost, host) && admitsPort(wantPort, port, scheme) && admitsPath(wantPath, path)
}

func admitsScheme(wanted, scheme string) bool {
	return strings.EqualFold(wanted, scheme) || strings.EqualFold(wanted, "http") && scheme == "https"
}

func admitsHost(wanted, host string) bool {
	if wanted == "*" {
		return host != ""
	}
	if suffix, ok := strings.CutPrefix(wanted, "*"); ok {
		return strings.HasPrefix(suffix, ".") && len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
	}
	return wanted != "" && strings.EqualFold(wanted, host)
}

// admitsPort compares ports; that of the URL is empty where it is the default.
func admitsPort(wanted, port, scheme string) bool {
	byDefault := map[string]string{"http": "80", "https": "443"}[scheme]
	return wanted == "*" || wanted == port || port == "" && wanted == byDefault
}

// admitsPath compares paths without their first slash. One that ends with a
// slash covers everything below it.
func admitsPath(wanted, path string) bool {
	if plain, err := url.PathUnescape(wanted); err == nil {
		wanted = plain
	}
	if wanted == "" || strings.HasSuffix(wanted, "/") {
		return strings.HasPrefix(path, wanted)
	}
	return path == wanted
}

func cutPort(s string) (host, port string) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// validNonce reports whether s is a base64-value (CSP level 3, section 2.3.1).
// Such a text can stand in an attribute as it is.
func validNonce(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("+/-_=", c) < 0 {
			return false
		}
	}
	return s != ""
}
