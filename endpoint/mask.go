package endpoint

import (
	"regexp"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// maskQuery takes the values out of a URL's query: they may be login codes. The
// names tell what somebody who looks for a difference needs.
func maskQuery(url string) string {
	head, query, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, _, valued := strings.Cut(part, "="); valued {
			parts[i] = name + "=***"
		}
	}
	return head + "?" + strings.Join(parts, "&")
}

// queryValue is the value of a parameter in a URL within a text.
var queryValue = regexp.MustCompile(`([?&][^\s=&#?]+=)[^\s&#]*`)

// maskText takes the values out of the queries of URLs in a text. The one that
// DingTalk quotes may be decoded, and hold spaces and brackets.
func maskText(text string) string {
	before, rest, found := strings.Cut(text, "url:[")
	if found {
		const end = "],ticketList:["
		url, list, whole := strings.Cut(rest, end)
		text = before + "url:[" + maskQuery(url)
		if whole {
			text += end + list
		}
	}
	return queryValue.ReplaceAllString(text, "$1***")
}

// maskReport returns the report as logs and events may show it: without the values of
// queries, and without the doctor's token.
func (s *Server) maskReport(rep report) report {
	rep.URL, rep.Signed = s.doctor.mask(maskQuery(rep.URL)), s.doctor.mask(maskQuery(rep.Signed))
	rep.Code = numeral(s.doctor.mask(maskText(string(rep.Code))))
	rep.Message = s.doctor.mask(maskText(rep.Message))
	return rep
}

// maskAdvice is an advice about a report as logs and events may show it.
func (s *Server) maskAdvice(advice doctor.Text, rep *report) doctor.Text {
	for _, text := range []*string{&advice.EN, &advice.ZH} {
		if quoted, _ := doctor.Evidence(rep.Message); quoted != "" {
			*text = strings.ReplaceAll(*text, quoted, maskQuery(quoted))
		}
		*text = s.doctor.mask(maskText(*text))
	}
	return advice
}
