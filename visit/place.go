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
	if !v.placed {
		v.place, v.placed = v.locate(), true
	}
	return v.place
}

func (v *Visit) locate() Place {
	page, err := v.desk.rules.Page(v.facts())
	var why *signer.Error
	if errors.As(err, &why) {
		return Place{Err: why}
	}
	if !page.Public && !v.vouched(page.Origin) {
		return Place{Page: page, Err: &signer.Error{Reason: signer.Unvouched, Subject: page.Origin.String()}}
	}
	return Place{Page: page}
}

// OriginalTarget returns the target that the browser asked for, as a trusted proxy
// restores it, with the prefix that the proxy has cut off.
func (v *Visit) OriginalTarget() (target string, err error) {
	prefix, target, err := v.desk.rules.Target(v.facts())
	return prefix + target, err
}
