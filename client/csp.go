package client

import "strings"

// Kind is a way to bring the script into a page.
type Kind int

const (
	// Inline is one inline script with the data in it.
	Inline Kind = iota
	// External is a data block and a script that is loaded from the endpoint.
	External
	// Data is the data block alone: no script of ours may run.
	Data
)

// Form is the form of a snippet.
type Form struct {
	Kind  Kind
	Nonce string // for the script elements; "" if none
}

// FormFor returns the form that every Content-Security-Policy of a response
// lets run. headers are the values of that header; a value may hold several
// policies, and each of them must agree (CSP level 3, section 3). script is the
// URL of the script as a file of its own.
func FormFor(headers []string, script string) Form {
	var all []policy
	for _, h := range headers {
		for text := range strings.SplitSeq(h, ",") {
			if p, limits := parsePolicy(text, script); limits {
				all = append(all, p)
			}
		}
	}
	if len(all) == 0 {
		return Form{}
	}
	nonces := []string{""}
	for _, p := range all {
		nonces = append(nonces, p.nonces...)
	}
	for _, kind := range []Kind{Inline, External} {
		for _, nonce := range nonces {
			if allow(all, kind, nonce) {
				return Form{kind, nonce}
			}
		}
	}
	return Form{Kind: Data}
}

func allow(all []policy, kind Kind, nonce string) bool {
	for _, p := range all {
		if !p.allows(kind, nonce) {
			return false
		}
	}
	return true
}

// policy is what one policy says about script elements.
type policy struct {
	inline bool // any inline script
	self   bool // our script from the page's own origin
	nonces []string
}

func (p policy) allows(kind Kind, nonce string) bool {
	if kind == Inline && p.inline || kind == External && p.self {
		return true
	}
	for _, n := range p.nonces {
		if n == nonce {
			return true
		}
	}
	return false
}

// parsePolicy reads one policy. It reports false if the policy does not limit
// script elements.
func parsePolicy(text, script string) (p policy, limits bool) {
	var sources []string
	best := 0
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
		}
		if rank > best { // of the same name the first counts
			best, sources = rank, words[1:]
		}
	}
	if best == 0 {
		return policy{}, false
	}
	strict := false // a nonce, a hash or 'strict-dynamic' switches 'unsafe-inline' off
	dynamic := false
	for _, s := range sources {
		lower := strings.ToLower(s)
		switch {
		case lower == "'unsafe-inline'":
			p.inline = true
		case lower == "'strict-dynamic'":
			strict, dynamic = true, true
		case strings.HasPrefix(lower, "'nonce-"):
			strict = true
			if nonce := strings.TrimSuffix(s[len("'nonce-"):], "'"); validNonce(nonce) {
				p.nonces = append(p.nonces, nonce)
			}
		case strings.HasPrefix(lower, "'sha256-"), strings.HasPrefix(lower, "'sha384-"), strings.HasPrefix(lower, "'sha512-"):
			strict = true
		case lower == "'self'", admits(lower, script):
			p.self = true
		}
	}
	p.inline = p.inline && !strict
	p.self = p.self && !dynamic
	return p, true
}

// admits reports whether a scheme-source or host-source of a policy covers a
// URL (CSP level 3, section 6.7.2.8). source is in lower case.
func admits(source, url string) bool {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || strings.HasPrefix(source, "'") {
		return false
	}
	host, path, _ := strings.Cut(rest, "/")
	host, port, _ := cutPort(host)
	if source == "*" || source == scheme+":" || source == "http:" {
		return true
	}
	if s, r, ok := strings.Cut(source, "://"); ok {
		if s != scheme && s != "http" {
			return false
		}
		source = r
	}
	source, wantPath, _ := strings.Cut(source, "/")
	wantHost, wantPort, hasPort := cutPort(source)
	if suffix, wild := strings.CutPrefix(wantHost, "*"); wild {
		if !strings.HasPrefix(suffix, ".") || !strings.HasSuffix(host, suffix) || len(host) == len(suffix) {
			return false
		}
	} else if wantHost != host {
		return false
	}
	if wantPort != "*" && (hasPort || port != "") && wantPort != port {
		return false
	}
	if wantPath == "" {
		return true
	}
	if strings.HasSuffix(wantPath, "/") {
		return strings.HasPrefix(strings.ToLower(path), wantPath)
	}
	return strings.EqualFold(path, wantPath)
}

func cutPort(s string) (host, port string, found bool) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		return s[:i], s[i+1:], true
	}
	return s, "", false
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
