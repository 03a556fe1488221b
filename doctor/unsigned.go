package doctor

import (
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// unsigned is why a page has no signature.
func (f Facts) unsigned() Finding {
	why := f.Request.Unknown
	switch {
	case why == nil:
		return f.Ticket.missing()
	case why.Reason == signer.Unvouched || why.Reason == signer.NotPublic:
		return f.unvouched(why)
	}
	return unknownURL(why)
}

func unknownURL(why *signer.Error, lines ...Line) Finding {
	return Finding{
		Name: why.Code(), Status: Error, Cures: []Text{Refusal(why)}, lines: lines,
		Text: say("the page is not signed, because its URL is not known for certain", "页面没有签名，因为无法确定它的网址"),
	}
}

// unvouched: nothing in the configuration says that this is our site.
func (f Facts) unvouched(why *signer.Error) Finding {
	origin := why.Subject
	if page, err := signer.ParseURL(f.Request.Asked); err == nil {
		origin = page.Origin.String()
	}
	names := "public_origin " + origin
	for _, o := range f.Settings.Public {
		if o.String() != origin {
			names += " " + o.String()
		}
	}
	lines := []Line{inDirective(names)}
	if !f.Request.Trusted && len(f.Request.sent(readable)) > 0 {
		lines = append(lines, trust(rangesOf(f.Request.Peer)))
	}
	return unknownURL(&signer.Error{Reason: signer.Unvouched, Subject: origin}, lines...)
}
