package dingtalk

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
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/doctorpage"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// doctorPage is the page <endpoint>/doctor, which tries dd.config as a page of the
// site does and shows what is wrong. There is none if it is nil.
type doctorPage struct {
	token    string           // who wants to see the page must name it, "" if anybody may
	renderer *client.Renderer // like that of all pages, but for DingTalk's script
	script   string           // DingTalk's script, which this page loads by itself
}

// defaultScript is DingTalk's JSAPI script where jsapi_url names no other: the
// version that DingTalk's documents name, and one that knows HarmonyOS.
const defaultScript = "https://g.alicdn.com/dingding/dingtalk-jsapi/3.1.0/dingtalk.open.js"

func newDoctorPage(c *config.Doctor, app client.App) *doctorPage {
	if c == nil {
		return nil
	}
	script := app.JSAPIURL
	if script == "" {
		script = defaultScript
	}
	app.JSAPIURL = "" // the page must be seen even where the script is not to be had
	return &doctorPage{token: string(c.Token), renderer: client.NewRenderer(app), script: script}
}

// admits reports whether a request may see the page.
func (p *doctorPage) admits(r *http.Request) bool {
	if p == nil || p.token == "" {
		return p != nil
	}
	_, query, _ := strings.Cut(originalTarget(r), "?")
	values, _ := url.ParseQuery(query) // what is malformed is not the token
	given, want := sha256.Sum256([]byte(values.Get("token"))), sha256.Sum256([]byte(p.token))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// hush keeps a request whose URL holds the token out of the access log.
func (p *doctorPage) hush(r *http.Request) {
	if p != nil && p.token != "" && (p.admits(r) || strings.Contains(originalTarget(r), p.token)) {
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
func (p *doctorPage) masked(f diagnosis.Facts) diagnosis.Facts {
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
func (h *Handler) serveDoctor(w http.ResponseWriter, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return h.serveDoctorPage(w, r)
	case http.MethodPost:
		return h.serveFindings(w, r)
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "the doctor page takes GET, HEAD and POST only")
}

// serveDoctorPage answers the page with what the request for it tells. It is
// signed as any page is.
func (h *Handler) serveDoctorPage(w http.ResponseWriter, r *http.Request) error {
	page, _ := h.sign(r.Context(), h.locate(w.Header(), r, facts(r, originalTarget(r))), r.Host)
	said := diagnosis.Page{Signed: page.URL}
	if page.Err != nil {
		said.Signed = ""
	}
	findings, err := json.Marshal(h.diagnose(r, said))
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
	if r.Method == http.MethodHead {
		return nil
	}
	_, err = w.Write(doctorpage.Render(doctorpage.Data{
		Nonce: nonce, Script: h.doctor.script, Findings: findings,
		Chinese: doctorpage.PrefersChinese(r.Header.Get("Accept-Language")),
		Snippet: h.doctor.renderer.Append(nil, page, client.Form{Kind: client.Inline, Nonce: nonce}),
	}))
	return err
}

// outcome is what the doctor page says of its dd.config.
type outcome struct {
	report
	Outcome diagnosis.Outcome `json:"outcome"`
}

// maxOutcome has room for DingTalk's refusal in full, which quotes the URL.
const maxOutcome = 16 << 10

// serveFindings answers the findings about the page that asks.
func (h *Handler) serveFindings(w http.ResponseWriter, r *http.Request) error {
	if !h.asksItself(r) {
		return writeError(w, http.StatusForbidden, signer.CodeOriginNotAllowed, "this call comes from another web origin: open the doctor page itself")
	}
	var o outcome
	if ok, err := readReport(w, r, maxOutcome, &o); !ok {
		return err
	}
	o.withoutFragments()
	page := o.page()
	page.Outcome = o.Outcome
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(h.examine(r, page, o.URL, &o.report))
}

// asksItself reports whether no other site's page asks. The page asks under its
// own URL, and is there because proxies may hide what that is: the browser's word
// is enough, or where it gives none, the host name.
func (h *Handler) asksItself(r *http.Request) bool {
	if h.caller(r).own || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return true
	}
	origin, err := signer.ParseOrigin(r.Header.Get("Origin"))
	site, _, _ := h.rules.Origin(facts(r, originalTarget(r)))
	return err == nil && r.Header.Get("Sec-Fetch-Site") == "" && origin.Host == site.Host
}
