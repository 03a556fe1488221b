package visit

import (
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Facts are what the request tells for a doctor. asked is the URL that the
// browser has asked for by it, "" if unknown.
func (v *Visit) Facts(asked string) doctor.Request {
	page, err := signer.ParseURL(asked)
	return doctor.Request{
		Request: v.facts(), Header: v.request.Header, Peer: v.peer(),
		Trusted: v.Trusted, Early: v.Early, SNI: v.serverName(),
		Asked: asked, Vouched: err == nil && v.vouched(page.Origin), Unknown: v.Place().Err,
	}
}

// AskedFrom returns the URL that the browser has asked for if the page at that
// URL, which is of the same origin, has made the request.
func (v *Visit) AskedFrom(pageURL string) string {
	prefix, target, err := v.desk.rules.Target(v.facts())
	page, bad := signer.ParseURL(pageURL)
	if err != nil || bad != nil {
		return ""
	}
	return signer.Page{Origin: page.Origin, Prefix: prefix, Target: target}.URL()
}
