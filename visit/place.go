package visit

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddytls"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Place is where a page is in the web, or why that is unknown.
type Place struct {
	signer.Page
	// Err says why the page must not be signed, nil if it may be.
	Err *signer.Error
}

// Place rebuilds the URL of the page that is visited, and makes sure that it is
// one of ours.
func (v *Visit) Place() Place {
	if v.place == nil {
		v.place = v.locate()
	}
	return *v.place
}

func (v *Visit) locate() *Place {
	facts := v.facts()
	page, err := v.desk.rules.Page(facts)
	p := &Place{Page: page}
	if err != nil {
		p.Err = asSignerError(err)
	} else if !page.Vouched && !v.vouched(facts) {
		p.Err = unknownOrigin(page.Origin)
	}
	return p
}

// OriginalTarget returns the target that the browser asked for, as a trusted proxy
// restores it, with the prefix that the proxy has cut off.
func (v *Visit) OriginalTarget() (target string, err error) {
	prefix, target, err := v.desk.rules.Target(v.facts())
	return prefix + target, err
}

// vouched reports whether the configuration says that the site is ours: by a host
// matcher, or by a certificate for the name in the TLS handshake. The name alone
// says nothing: where Caddy has none for it, it may answer with that of another
// site.
func (v *Visit) vouched(facts signer.Request) bool {
	if v.desk.hosts.matches(v.request) {
		return true
	}
	name := v.serverName()
	if name == "" || len(caddytls.AllMatchingCertificates(strings.ToLower(name))) == 0 {
		return false
	}
	facts.ServerName = name
	_, vouched, _ := v.desk.rules.Origin(facts)
	return vouched
}

func asSignerError(err error) *signer.Error {
	var e *signer.Error
	if errors.As(err, &e) {
		return e
	}
	return &signer.Error{Code: signer.CodeOriginUnknown, Message: err.Error()}
}

func unknownOrigin(o signer.Origin) *signer.Error {
	return &signer.Error{
		Code: signer.CodeOriginUnknown,
		Message: "nothing in the configuration says that " + o.String() + " is this site: if it is, add the line `public_origin " + o.String() +
			"` to the dingtalk directive, or name the host in the site's address, or list the proxy in front in trusted_proxies",
	}
}
