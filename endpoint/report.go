package endpoint

import (
	"encoding/json"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

// report is what a page says about its dd.config.
type report struct {
	URL     string  `json:"url"`    // what the browser shows
	Signed  string  `json:"signed"` // what was signed
	Code    numeral `json:"code"`
	Message string  `json:"message"`

	// The signature, if the page tells: it shows which ticket was refused.
	TimeStamp string `json:"timeStamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`

	// What the page has tried after an earlier refusal: see heal.
	Tried string `json:"tried"`

	// The page's tenant, if it tells: ddSidecar.tenant.
	CorpID  string  `json:"corpId"`
	AgentID numeral `json:"agentId"`
}

// numeral is a code or an identifier of DingTalk, which pages have as a number or as a
// text.
type numeral string

func (n *numeral) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*n = numeral(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*n = numeral(number)
	return nil
}

// lenURLs is how many bytes of the report are its URLs.
func (r *report) lenURLs() int { return len(r.URL) + len(r.Signed) }

// withoutFragments cuts off what is never signed.
func (r *report) withoutFragments() {
	r.URL, _, _ = strings.Cut(r.URL, "#")
	r.Signed, _, _ = strings.Cut(r.Signed, "#")
}

// verdict is what the report turns out to be.
func (r *report) verdict() observe.Verdict {
	switch {
	case r.Code == codeHealed:
		return observe.VerdictHealed
	case r.Signed == "":
		return observe.VerdictUnsigned
	case r.URL != r.Signed:
		return observe.VerdictMismatch
	case doctor.Refused(string(r.Code), r.Message):
		return observe.VerdictRefused
	}
	return observe.VerdictError
}

// place is where the page is: what was signed, or where nothing was, what is shown.
func (r *report) place() signer.Page {
	page, err := signer.ParseURL(r.Signed)
	if err != nil {
		page, _ = signer.ParseURL(r.URL)
	}
	return page
}

// named is what the page says of its tenant.
func (r *report) named() tenant.Names {
	return tenant.Names{Corp: r.CorpID, Agent: string(r.AgentID)}
}

// page is what the page says, for a doctor.
func (r *report) page() doctor.Page {
	return doctor.Page{URL: r.URL, Signed: r.Signed, Outcome: doctor.Failed, Code: string(r.Code), Message: r.Message}
}

// report logs what a page reports, with the cure, and does what it can about it.
func (s *Server) report(w http.ResponseWriter, c *call) {
	var rep report
	if !readReport(w, c.Request, maxReport, &rep) {
		return
	}
	rep.withoutFragments()
	c.tenant = s.tenants.ForPage(c.visit, c.about(rep.place(), rep.named()))
	verdict, p := rep.verdict(), prove(c.tenant, &rep)
	observe.CountReport(verdict)
	page := rep.page()
	shown, err := signer.ParseURL(rep.URL)
	page.Foreign = err != nil || !c.knows(shown.Origin)
	s.tell(verdict, &rep, s.examine(c, page, p))
	switch {
	case c.from.Hidden: // of a site that nobody vouches for: it is told of, and moves nothing
	case verdict == observe.VerdictRefused:
		if retry := s.heal(c, &rep, p); retry != "" {
			w.Header().Set(retryHeader, retry)
		}
	case verdict == observe.VerdictHealed:
		s.learn(c, &rep, p)
	}
	w.WriteHeader(http.StatusNoContent)
}

// fewReports lets whoever changes a proxy and tries again see each try, but no
// stranger fill the log: so many lines and events of each kind a minute.
const fewReports = 5

// claim begins what a report says: anybody can send one.
const claim = "a visitor's page claims: "

// tell logs and announces a report with what was found.
func (s *Server) tell(verdict observe.Verdict, rep *report, d doctor.Diagnosis) {
	found := d.Verdict()
	masked, shown := s.maskAdvice(found.Advice(), rep), s.maskReport(*rep)
	advice := doctor.Claimed(masked)
	fields := []zap.Field{zap.String("advice_zh", advice.ZH), zap.String("code", string(shown.Code)), zap.String("message", shown.Message), zap.String("url", shown.URL), zap.String("signed", shown.Signed)}
	switch verdict {
	case observe.VerdictUnsigned:
		s.notices.AtMost(fewReports, "unsigned", claim+"dd.config failed in a page without a signature: ddSidecar.error in its console, and the line in this log from when it was served, say which line to add", fields...)
	case observe.VerdictMismatch:
		if len(d.URL.Differs) > 0 {
			fields = append(fields, zap.Strings("differs", d.URL.Differs))
		}
		if s.notices.AtMost(fewReports, "differs "+strings.Join(d.URL.Differs, " "), advice.EN, fields...) && s.notices.Admit(fewReports, observe.EventMismatch) {
			s.events.Emit(observe.EventMismatch, map[string]any{"url": shown.URL, "signed": shown.Signed, "advice": advice.EN, "advice_zh": advice.ZH})
		}
	case observe.VerdictRefused:
		if s.notices.AtMost(fewReports, "refused", advice.EN, fields...) {
			s.events.Emit(observe.EventRefused, map[string]any{"url": shown.URL, "code": string(shown.Code), "message": shown.Message})
		}
	case observe.VerdictError:
		s.notices.AtMost(fewReports, found.Name, claim+"dd.config failed in a page: "+masked.EN, fields...)
	}
}

// examine examines what a page of the site says of itself in a call.
func (s *Server) examine(c *call, page doctor.Page, p proof) doctor.Diagnosis {
	return s.examineAsked(c, page, c.visit.AskedFrom(page.URL), p)
}

// examineAsked is examine for a page whose browser has asked for that URL.
func (s *Server) examineAsked(c *call, page doctor.Page, asked string, p proof) doctor.Diagnosis {
	page.Form = p.form
	facts := doctor.Facts{Page: page, Request: c.visit.Facts(asked), Settings: c.visit.Settings(), HeldBack: c.heldBack}
	if c.tenant.Tenant != nil {
		facts.Settings.Signer = c.tenant.Signer
		facts.Ticket = p.ticket(c.tenant.Status(), page.Message)
		facts.Tenantless = c.tenant.Err.Facts()
	}
	return doctor.Examine(s.doctor.masked(facts))
}
