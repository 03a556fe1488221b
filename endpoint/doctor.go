package endpoint

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	doctorpage "github.com/caddy-dingtalk/caddy-dingtalk/doctor/page"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

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

// admits reports whether a request for that target may see the page.
func (p *doctorPage) admits(target string) bool {
	if p.token == "" {
		return true
	}
	_, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query) // what is malformed is not the token
	given, want := sha256.Sum256([]byte(values.Get("token"))), sha256.Sum256([]byte(p.token))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// hush keeps a request whose URL holds the token out of the access log.
func (p *doctorPage) hush(r *http.Request, target string) {
	if p != nil && p.token != "" && (p.admits(target) || strings.Contains(target, p.token)) {
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	}
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
func (s *Server) serveDoctor(w http.ResponseWriter, c *call) error {
	if !s.doctor.admits(c.visit.Target) {
		return s.notFound(w)
	}
	switch c.Method {
	case http.MethodGet, http.MethodHead:
		return s.serveDoctorPage(w, c)
	case http.MethodPost:
		return s.serveFindings(w, c)
	}
	return writeMethodError(w, "GET, HEAD, POST", "the doctor page takes GET, HEAD and POST only")
}

// serveDoctorPage answers the page with what the request for it tells. It is
// signed as any page is.
func (s *Server) serveDoctorPage(w http.ResponseWriter, c *call) error {
	page, _ := c.tenant.SignPage(c.Context(), c.visit.Place())
	said := doctor.Page{Signed: page.URL}
	if page.Err != nil {
		s.notices.Unsigned(page.Err, c.visit.Host())
		said.Signed = ""
	}
	findings, err := json.Marshal(s.examine(c, said, proof{form: c.tenant.Signer}))
	if err != nil {
		return err
	}
	nonce := rand.Text()
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", doctorpage.Policy(nonce))
	header.Set("X-Frame-Options", "SAMEORIGIN")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex, nofollow")
	if c.Method == http.MethodHead {
		return nil
	}
	_, err = w.Write(doctorpage.Render(doctorpage.Data{
		Nonce: nonce, Script: s.doctor.script, Findings: findings,
		Chinese: doctorpage.PrefersChinese(c.Header.Get("Accept-Language")),
		Snippet: snippet(c.tenant, page, nonce),
	}))
	return err
}

// snippet is that of all pages, but for DingTalk's script: the doctor page must be
// seen even where that is not to be had.
func snippet(t *tenant.Tenant, page client.Page, nonce string) []byte {
	app := t.Page
	app.JSAPIURL = ""
	return client.NewRenderer(app).Append(nil, page, client.Form{Kind: client.Inline, Nonce: nonce})
}

// outcome is what the doctor page says of its dd.config.
type outcome struct {
	report
	Outcome doctor.Outcome `json:"outcome"`
}

// maxOutcome has room for DingTalk's refusal in full, which quotes the URL.
const maxOutcome = 16 << 10

// serveFindings answers the findings about the page that asks. It asks under its
// own URL, and is there because proxies may hide what that is.
func (s *Server) serveFindings(w http.ResponseWriter, c *call) error {
	if !c.from.Itself {
		return writeError(w, http.StatusForbidden, signer.CodeOriginNotAllowed, "this call comes from another web origin: open the doctor page itself")
	}
	var o outcome
	if ok, err := readReport(w, c.Request, maxOutcome, &o); !ok {
		return err
	}
	o.withoutFragments()
	page := o.page()
	page.Outcome = o.Outcome
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(s.examineAsked(c, page, o.URL, prove(c.tenant, &o.report)))
}
