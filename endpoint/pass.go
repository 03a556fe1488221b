package endpoint

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
	"github.com/caddy-dingtalk/caddy-dingtalk/visit"
)

// Whoever opens the doctor page with its token gets a pass for it, and goes on to
// the page's URL without the token: a URL stands in histories, logs and Referers.
const (
	passCookie = "dingtalk_doctor"
	passLife   = time.Hour
)

// pass is the value of the cookie that is good until then. It does not tell the token.
func (p *doctorPage) pass(until time.Time) string {
	end := strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(p.token))
	mac.Write([]byte("dingtalk doctor until " + end))
	return end + "." + hex.EncodeToString(mac.Sum(nil))
}

// passes reports whether a request comes with a pass that is still good.
func (p *doctorPage) passes(r *http.Request) bool {
	for _, c := range r.CookiesNamed(passCookie) {
		end, _, _ := strings.Cut(c.Value, ".")
		seconds, _ := strconv.ParseInt(end, 10, 64)
		until := time.Unix(seconds, 0)
		if time.Now().Before(until) && hmac.Equal([]byte(c.Value), []byte(p.pass(until))) {
			return true
		}
	}
	return false
}

// admits reports whether a call may see the page.
func (p *doctorPage) admits(c *call) bool {
	return p.token == "" || p.names(c.visit.Target) || p.passes(c.Request)
}

// names reports whether the query of a target has the token.
func (p *doctorPage) names(target string) bool {
	_, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query) // what is malformed is not the token
	given, want := sha256.Sum256([]byte(values.Get(tokenName))), sha256.Sum256([]byte(p.token))
	return p.token != "" && hmac.Equal(given[:], want[:])
}

const tokenName = "token"

// exchanges reports whether a call's token is to become a pass: where a browser opens
// the page. One that shows it in a frame of another site keeps cookies from it, and a
// program may keep none at all; they get the page at once.
func (p *doctorPage) exchanges(c *call) bool {
	dest := c.Header.Get("Sec-Fetch-Dest")
	return p.names(c.visit.Target) && inject.IsDocument(c.Request) && dest != "iframe" && dest != "frame"
}

// exchange answers a pass for the token, and the way to the page. The cookie names no
// path, and the way is relative: the browser's own path counts, whatever proxies
// have cut off. It is Lax: a Strict one would stay behind on the way to the
// page where a link of another site, such as a chat in a browser, led here.
func (p *doctorPage) exchange(w http.ResponseWriter, c *call) {
	http.SetCookie(w, &http.Cookie{
		Name: passCookie, Value: p.pass(time.Now().Add(passLife)), MaxAge: int(passLife.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.TLS != nil || c.from.Origin.Scheme == "https",
	})
	header := w.Header()
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Location", doctorName+withoutToken(c.visit.Target))
	w.WriteHeader(http.StatusSeeOther)
}

// withoutToken returns the query of a target without its token, as it was written,
// with its question mark if anything is left.
func withoutToken(target string) string {
	_, query, _ := strings.Cut(target, "?")
	var left []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); part != "" && (err != nil || plain != tokenName) {
			left = append(left, part)
		}
	}
	if len(left) == 0 {
		return ""
	}
	return "?" + strings.Join(left, "&")
}

// holds reports whether a URL holds the token, wherever in it.
func (p *doctorPage) holds(url string) bool {
	return p != nil && p.token != "" && (p.names(url) || strings.Contains(url, p.token))
}

// hush keeps a request that tells the token out of the access log.
func (p *doctorPage) hush(r *http.Request, target string) {
	if p.holds(target) || p.holds(r.Referer()) {
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	}
}

// strays reports whether a target is the doctor page's with its token, but for a slash
// too many or the like (//.dingtalk/doctor?token=…): upstream and the logs must not
// see it.
func (s *Server) strays(target string) bool {
	if !s.doctor.holds(target) {
		return false
	}
	asked, _, _ := strings.Cut(visit.OriginForm(target), "?")
	_, ours := s.cut(path.Clean(asked))
	return ours
}
