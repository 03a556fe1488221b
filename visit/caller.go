package visit

import (
	"errors"
	"slices"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Caller is who calls an endpoint, as far as the browser says.
type Caller struct {
	Origin  signer.Origin // the site's own, zero if unknown
	Vouched bool          // somebody vouches for it
	Own     bool          // a page of the site calls, or no page at all
	Allowed bool          // a page of an allow_origin calls
	Itself  bool          // the page that is called calls, by the word of its browser
	// Hidden tells that the browser calls the page same-origin, but it is of none of
	// our origins: a proxy hides which, or another site's name leads here.
	Hidden bool
	From   signer.Origin // of the page that calls, zero if it does not say
}

// Caller judges who calls by Origin, and by Sec-Fetch-Site where the browser
// sends it.
func (v *Visit) Caller() Caller {
	var c Caller
	c.Origin, c.Vouched, _ = v.desk.rules.Origin(v.facts())
	c.Vouched = c.Vouched || c.Origin != signer.Origin{} && v.vouched(c.Origin)

	origins := v.request.Header["Origin"]
	if len(origins) > 1 {
		return c // no browser sends two: nobody knows which one counts
	}
	site := v.request.Header.Get("Sec-Fetch-Site")
	text := v.request.Header.Get("Origin")
	if text == "" {
		c.Own = site == "" || site == "same-origin" || site == "none"
		c.Itself = c.Own
		return c
	}
	origin, err := signer.ParseOrigin(text)
	c.From = origin
	switch {
	case err != nil: // "null" too
		c.From = signer.Origin{}
	case slices.Contains(v.desk.allowed, origin):
		c.Allowed = true
	case origin == c.Origin || slices.Contains(v.desk.public, origin):
		c.Own = site == "" || site == "same-origin" || site == "none"
	default:
		// A proxy may hide the scheme or port that the browser sees. Its word
		// counts, and the call tells what is wrong with the proxy.
		c.Own = site == "same-origin" && origin.Host == c.Origin.Host
	}
	// Proxies may hide what the page's own URL is: the browser's word is enough, or
	// where it gives none, the host name.
	c.Hidden = err == nil && site == "same-origin" && !c.Own && !c.Allowed
	c.Itself = c.Own || site == "same-origin" || site == "" && err == nil && origin.Host == c.Origin.Host
	return c
}

// Site returns the origin of the site that is visited, or why it is not known to be
// ours.
func (v *Visit) Site() (signer.Origin, *signer.Error) {
	origin, public, err := v.desk.rules.Origin(v.facts())
	var why *signer.Error
	switch {
	case errors.As(err, &why):
		return signer.Origin{}, why
	case err != nil || origin == signer.Origin{} || !public && !v.vouched(origin):
		return signer.Origin{}, &signer.Error{Reason: signer.Unvouched, Subject: origin.String(), Header: v.hostHeader()}
	}
	return origin, nil
}

// SameOrigin tells whether a page of the visited site itself made the request, by the
// word of its browser, or where that gives none, by the Origin.
func (v *Visit) SameOrigin() bool {
	if sites := v.request.Header["Sec-Fetch-Site"]; len(sites) > 0 {
		return len(sites) == 1 && sites[0] == "same-origin"
	}
	origins := v.request.Header["Origin"]
	if len(origins) != 1 {
		return false
	}
	origin, err := signer.ParseOrigin(origins[0])
	site, unknown := v.Site()
	return err == nil && unknown == nil && (origin == site || slices.Contains(v.desk.public, origin))
}

// ClientIP is the address of the browser, as Caddy knows it.
func (v *Visit) ClientIP() string {
	ip, _ := caddyhttp.GetVar(v.request.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}
