package endpoint

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	doctorpage "github.com/caddy-dingtalk/caddy-dingtalk/doctor/page"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// doctorName is the name of the endpoint.
const doctorName = "doctor"

// doctorPage is the page <endpoint>/doctor, which tries dd.config as a page of the
// site does and shows what is wrong. There is none if it is nil.
type doctorPage struct {
	token  string // who wants to see the page must name it, "" if anybody may
	script string // DingTalk's script, which this page loads by itself
}

// defaultScript is DingTalk's JSAPI script where jsapi_url names no other: the
// version that DingTalk's documents name, and one that knows HarmonyOS.
const defaultScript = "https://g.alicdn.com/dingding/dingtalk-jsapi/3.1.0/dingtalk.open.js"

func newDoctorPage(c *config.Doctor, script string) *doctorPage {
	if script == "" {
		script = defaultScript
	}
	return &doctorPage{token: string(c.Token), script: script}
}

var tokenParameter = regexp.MustCompile(`([?&]token=)[^&#\]\s]*`)

// mask takes the token out of a text, in which it stands as a part of the page's
// URL.
func (p *doctorPage) mask(text string) string {
	if p == nil || p.token == "" {
		return text
	}
	return tokenParameter.ReplaceAllString(strings.ReplaceAll(text, p.token, "***"), "$1***")
}

// masked takes the token out of facts.
func (p *doctorPage) masked(f doctor.Facts) doctor.Facts {
	if p == nil || p.token == "" {
		return f
	}
	for _, text := range []*string{&f.Page.URL, &f.Page.Signed, &f.Page.Message, &f.Request.Target, &f.Request.Asked} {
		*text = p.mask(*text)
	}
	f.Request.Header = f.Request.Header.Clone()
	for _, values := range f.Request.Header {
		for i := range values {
			values[i] = p.mask(values[i])
		}
	}
	return f
}

// serveDoctor answers the page, and what it asks when it has tried dd.config.
func (s *Server) serveDoctor(w http.ResponseWriter, c *call) {
	if !s.doctor.admits(c) || s.doctor.token == "" && s.foreign(c) {
		s.notFound(w, c.Request)
		return
	}
	c.tenant = s.tenants.ForAnyPath(c.visit)
	c.heldBack = c.visit.HeldBack(s.path + "/config")
	switch {
	case s.doctor.exchanges(c):
		s.doctor.exchange(w, c)
	case c.Method == http.MethodGet || c.Method == http.MethodHead:
		s.serveDoctorPage(w, c)
	case c.Method == http.MethodPost:
		s.serveFindings(w, c)
	default:
		writeMethodError(w, c.Request, "GET, HEAD, POST")
	}
}

// foreign reports whether nobody vouches for the host of a call. Without a token the
// page is for the site's own names: another site may point its name here. Where a
// proxy's header is malformed, which the page shows, the Host itself counts.
func (s *Server) foreign(c *call) bool {
	unknown := c.from.Origin == signer.Origin{}
	if c.from.Vouched || unknown && c.visit.HostVouched() {
		return false
	}
	s.notices.Once("doctor", "the doctor page is hidden under a host that nobody vouches for: add public_origin or public_host if the host is yours, or give the page a token: doctor <token>",
		zap.String("host", c.visit.Host()))
	return true
}

// serveDoctorPage answers the page with what the request for it tells. It is
// signed as any page is.
func (s *Server) serveDoctorPage(w http.ResponseWriter, c *call) {
	page, _ := c.tenant.SignPage(c.Context(), c.visit.Place())
	said := doctor.Page{Signed: page.URL}
	if page.Err != nil {
		s.notices.Unsigned(page.Err, c.visit.Host())
		said.Signed = ""
	}
	diagnosis := s.examine(c, said, proof{form: c.tenant.Signer})
	diagnosis.Tenants = s.tenantFindings(c)
	diagnosis.SignIn = s.signInFindings(c, false) // the page is not kept waiting
	findings, _ := json.Marshal(diagnosis)        // it holds texts, numbers and truths
	nonce := rand.Text()
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", doctorpage.Policy(nonce))
	header.Set("X-Frame-Options", "SAMEORIGIN")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex, nofollow")
	if c.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(doctorpage.Render(doctorpage.Data{
		Nonce: nonce, Script: s.doctor.script, Scripts: scripts(c.tenant.Tenant), Findings: findings,
		Chinese: doctor.Accepted(c.Header.Get("Accept-Language"), doctor.Chinese) == doctor.Chinese,
		Snippet: snippet(c.tenant.Tenant, page, nonce),
	}))
}

// snippet is that of all pages, but for DingTalk's script: the doctor page must be
// seen even where that is not to be had.
func snippet(t *tenant.Tenant, page client.Page, nonce string) []byte {
	app := t.Page
	app.JSAPIURL = ""
	return client.NewRenderer(app).Append(nil, page, client.Form{Kind: client.Inline, Nonce: nonce})
}

// scripts are the names of the files that the pages of a tenant may load.
func scripts(t *tenant.Tenant) []string {
	if login := t.Page.Login; login != "" {
		return []string{client.RestName, login}
	}
	return []string{client.RestName}
}

// outcome is what the doctor page says of its dd.config.
type outcome struct {
	report
	Outcome doctor.Outcome `json:"outcome"`
	Missed  *int           `json:"missed"` // see doctor.Page
	Lost    *doctor.Script `json:"lost"`   // see doctor.Page
}

// lost is the script that the page has not got, if there is one of that name.
func (o *outcome) lost(c *call) *doctor.Script {
	if o.Lost == nil || !slices.Contains(scripts(c.tenant.Tenant), o.Lost.Name) {
		return nil
	}
	return o.Lost
}

// serveFindings answers the findings about the page that asks. It asks under its
// own URL, and is there because proxies may hide what that is.
func (s *Server) serveFindings(w http.ResponseWriter, c *call) {
	if !c.from.Itself {
		writeError(w, c.Request, http.StatusForbidden, signer.CodeOriginNotAllowed, doctor.NotThePage)
		return
	}
	var o outcome
	if !readReport(w, c.Request, maxOutcome, &o) {
		return
	}
	o.withoutFragments()
	page := o.page()
	page.Outcome, page.Missed, page.Lost = o.Outcome, o.Missed, o.lost(c)
	diagnosis := s.examineAsked(c, page, o.URL, prove(c.tenant, &o.report))
	diagnosis.Tenants = s.tenantFindings(c)
	diagnosis.SignIn = s.signInFindings(c, true)
	writeJSON(w, http.StatusOK, diagnosis)
}

// tenantFindings tell which of several tenants the call is for. Who else there is, is told
// only to those who know the token.
func (s *Server) tenantFindings(c *call) []doctor.Finding {
	facts := s.tenants.Facts(c.visit, c.tenant, s.doctor.token == "")
	if facts == nil {
		return nil
	}
	return facts.Findings()
}

// SignIn tells how sign-in stands for a visit, nil where nothing is to be told; ask lets it ask
// DingTalk.
type SignIn func(ctx context.Context, v *visit.Visit, ask bool) *doctor.SignIn

// WithSignIn lets the doctor page tell of sign-in. It must be called before the first
// request.
func (s *Server) WithSignIn(examine SignIn) { s.signIn = examine }

func (s *Server) signInFindings(c *call, ask bool) []doctor.Finding {
	if s.signIn == nil {
		return nil
	}
	facts := s.signIn(c.Context(), c.visit, ask)
	if facts == nil {
		return nil
	}
	facts.Matcher = c.visit.Matcher()
	return facts.Findings()
}
