package doctor

import (
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// unsigned is why a page has no signature.
func (f Facts) unsigned() Finding {
	why := f.Request.Unknown
	switch {
	case why == nil && f.Tenantless != nil:
		return tenantless(f.Tenantless)
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
	page, err := signer.ParseURL(f.Request.Asked)
	known := err == nil
	if told := why.Ignored; told != nil && (!known || told.Origin == page.Origin) {
		return unknownURL(why, trustLines(told, f.Settings)...)
	}
	origin := why.Subject
	if known {
		origin = page.Origin.String()
	}
	finding := unknownURL(&signer.Error{Reason: signer.Unvouched, Subject: origin}, inDirective(publicOrigin(f.Settings, origin)))
	h, is := f.culprit([]string{"host"})
	switch {
	case !known || f.Request.originOf(f.Settings).Host == page.Origin.Host:
	case f.Request.originOf(f.Settings.with(page.Origin)) != page.Origin: // of several, it is the request's host that decides
		texts, lines := f.atTheProxy([]string{"host"}, "")
		finding.Cures, finding.lines = append(finding.Cures, texts...), append(finding.lines, lines...)
	case is: // public_host would not do without
		finding.Cures = append(finding.Cures, f.leftOut(h).text)
	}
	return finding
}
