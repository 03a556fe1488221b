package visit

import (
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Place is where a page is in the web, or why that is unknown.
type Place struct {
	signer.Page
	// Err says why the page must not be signed, nil if it may be.
	Err *signer.Error
	// User is who the page is made for, with sign-in; "" is anybody.
	User string
}

// For returns the same place for a user.
func (p Place) For(user string) Place {
	p.User = user
	return p
}

// Place rebuilds the URL of the page that is visited, and makes sure that it is
// one of ours.
func (v *Visit) Place() Place {
	if !v.placed {
		v.place, v.placed = v.locate(), true
	}
	return v.place
}

func (v *Visit) locate() Place {
	page, err := v.desk.rules.Page(v.facts())
	if err != nil {
		why := err.(*signer.Error) // it returns no other
		if why.Reason == signer.NotPublic || why.Reason == signer.BadHost {
			why.Ignored, why.Header = v.ignored(), v.hostHeader()
		}
		return Place{Err: why}
	}
	if !page.Public && !v.vouched(page.Origin) {
		return Place{Page: page, Err: &signer.Error{Reason: signer.Unvouched, Subject: page.Origin.String(), Header: v.hostHeader(), Ignored: v.ignored()}}
	}
	return Place{Page: page}
}

// hostHeader returns the header of a trusted proxy that the page's host comes from, "" where
// that is the Host.
func (v *Visit) hostHeader() string {
	return doctor.HostHeader(doctor.Request{Request: v.facts(), Header: v.request.Header, Trusted: v.Trusted, Early: v.Early}, v.desk.settings)
}

// OriginalTarget returns the target that the browser asked for, as a trusted proxy
// restores it, with the prefix that the proxy has cut off.
func (v *Visit) OriginalTarget() (target string, err error) {
	prefix, target, err := v.desk.rules.Target(v.facts())
	return prefix + target, err
}
