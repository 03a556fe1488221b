package visit

import (
	"errors"

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
	page, err := v.desk.rules.Page(v.facts())
	p := &Place{Page: page}
	switch {
	case errors.As(err, &p.Err):
	case !page.Public && !v.vouched(page.Origin):
		p.Err = &signer.Error{Reason: signer.Unvouched, Subject: page.Origin.String()}
	}
	return p
}

// OriginalTarget returns the target that the browser asked for, as a trusted proxy
// restores it, with the prefix that the proxy has cut off.
func (v *Visit) OriginalTarget() (target string, err error) {
	prefix, target, err := v.desk.rules.Target(v.facts())
	return prefix + target, err
}
