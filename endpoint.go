package dingtalk

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// endpointOf returns the name of the endpoint that a request is for. What counts
// is the path that the browser asked for: as it was received, or as a trusted
// proxy says it was before the proxy rewrote it.
func (h *Handler) endpointOf(r *http.Request, target string) (name string, ours bool) {
	if name, ours = h.endpointName(target); ours || !h.rules.RestoreTargets() {
		return name, ours
	}
	prefix, target, err := h.rules.Target(facts(r, target))
	if err != nil {
		return "", false
	}
	return h.endpointName(prefix + target)
}

// endpointName returns what follows the endpoint's path in a request target, and
// whether the target is one of ours. Percent-encoded spellings of the path are
// ours too: upstream would see the same path.
func (h *Handler) endpointName(target string) (name string, ours bool) {
	path, _, _ := strings.Cut(target, "?")
	if strings.IndexByte(path, '%') >= 0 {
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
	}
	rest, ok := strings.CutPrefix(path, h.endpoint)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(rest, "/"), true
}

// serveEndpoint answers a request for one of the handler's own endpoints.
func (h *Handler) serveEndpoint(w http.ResponseWriter, r *http.Request, name string) error {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	h.doctor.hush(r)
	switch name {
	case "config":
		return h.serveShared(w, r, http.MethodGet, h.serveConfig)
	case "report":
		return h.serveShared(w, r, http.MethodPost, h.serveReport)
	case client.FileName:
		return serveClient(w, r)
	case "doctor":
		if h.doctor.admits(r) {
			return h.serveDoctor(w, r)
		}
	}
	return writeError(w, http.StatusNotFound, "not_found", "there is no such endpoint: "+h.endpoint+" has config, report and "+client.FileName)
}

// serveShared answers a call that pages of other origins may make if
// allow_origin names them.
func (h *Handler) serveShared(w http.ResponseWriter, r *http.Request, method string, serve func(http.ResponseWriter, *http.Request, caller) error) error {
	header := w.Header()
	header.Add("Vary", "Origin")
	from := h.caller(r)
	if !from.own && !from.allowed {
		return writeError(w, http.StatusForbidden, signer.CodeOriginNotAllowed,
			"this call comes from another web origin: add the line allow_origin <that origin> to the dingtalk directive if it is yours")
	}
	if from.allowed {
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", method)
			header.Set("Access-Control-Allow-Headers", "Content-Type")
			header.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
	}
	if r.Method != method {
		header.Set("Allow", method)
		return writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "this endpoint takes "+method+" only")
	}
	return serve(w, r, from)
}

// caller is who calls an endpoint, as far as the browser says.
type caller struct {
	origin  signer.Origin // the site's own, zero if unknown
	vouched bool          // somebody vouches for it
	own     bool          // a page of the site calls, or no page at all
	allowed bool          // a page of an allow_origin calls
}

// caller judges by Origin, and by Sec-Fetch-Site where the browser sends it.
func (h *Handler) caller(r *http.Request) caller {
	var c caller
	req := facts(r, originalTarget(r))
	c.origin, c.vouched, _ = h.rules.Origin(req)
	c.vouched = c.vouched || c.origin != signer.Origin{} && h.vouched(r, req)

	site := r.Header.Get("Sec-Fetch-Site")
	text := r.Header.Get("Origin")
	if text == "" {
		c.own = site == "" || site == "same-origin" || site == "none"
		return c
	}
	origin, err := signer.ParseOrigin(text)
	switch {
	case err != nil: // "null" too
	case slices.Contains(h.allowed, origin):
		c.allowed = true
	case origin == c.origin || slices.Contains(h.public, origin):
		c.own = site == "" || site == "same-origin" || site == "none"
	default:
		// A proxy may hide the scheme or port that the browser sees. Its word
		// counts, and the call tells what is wrong with the proxy.
		c.own = site == "same-origin" && origin.Host == c.origin.Host
	}
	return c
}

// serveConfig answers the parameters for the URL that a page says it shows.
func (h *Handler) serveConfig(w http.ResponseWriter, r *http.Request, from caller) error {
	query, err := originalQuery(r)
	if err != nil {
		return writeError(w, http.StatusBadRequest, signer.CodeBadURL, malformedQuery)
	}
	page, err := requestedPage(r, query, from)
	if err == nil {
		err = h.maySign(r, page, from)
	}
	form, unknown := h.formNamed(query)
	if err == nil {
		err = unknown
	}
	if err != nil {
		e := asSignerError(err)
		status := http.StatusForbidden
		if e.Code == signer.CodeBadURL {
			status = http.StatusBadRequest
		}
		return writeError(w, status, e.Code, e.Message)
	}
	ticket, err := h.tokens.Ticket(r.Context(), h.wait)
	if err != nil {
		w.Header().Set("Retry-After", retryAfter(err))
		return writeError(w, http.StatusServiceUnavailable, codeNoTicket, noTicket(err))
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(h.renderer.AppendConfig(nil, signWith(form, ticket, page.URL())))
	return err
}

const malformedQuery = "the query is malformed: send ?url= once, with encodeURIComponent(location.href)"

// requestedPage reads the parameter url, or the Referer where there is none.
func requestedPage(r *http.Request, query url.Values, from caller) (signer.Page, error) {
	values, given := query["url"]
	if len(values) > 1 || given && cutOff(originalTarget(r), query) {
		return signer.Page{}, &signer.Error{Code: signer.CodeBadURL, Message: malformedQuery}
	}
	if given {
		return signer.ParseURL(values[0])
	}
	page, err := signer.ParseURL(r.Referer())
	if err != nil || from.allowed && page.Target == "/" { // cut down by the browser's referrer policy
		return signer.Page{}, &signer.Error{Code: signer.CodeBadURL, Message: "which page? Send ?url= with encodeURIComponent(location.href)"}
	}
	return page, nil
}

// cutOff reports whether a URL in the query of target has not been encoded and has
// lost what stood behind its first &: then there are parameters that are not ours.
func cutOff(target string, query url.Values) bool {
	if strings.Count(target, "?") < 2 {
		return false
	}
	for name := range query {
		if name != "url" && name != "hash" && name != "url_policy" {
			return true
		}
	}
	return false
}

// originalQuery returns the query of a request as the browser sent it.
func originalQuery(r *http.Request) (url.Values, error) {
	_, query, _ := strings.Cut(originalTarget(r), "?")
	return url.ParseQuery(query)
}

// maySign makes sure that nobody gets a signature for a site that is not ours.
func (h *Handler) maySign(r *http.Request, page signer.Page, from caller) error {
	if slices.Contains(h.public, page.Origin) || slices.Contains(h.allowed, page.Origin) || from.vouched && page.Origin == from.origin {
		return nil
	}
	shown, ours := page.Origin.String(), from.origin.String()
	if page.Origin.Host == from.origin.Host && from.vouched {
		found := h.diagnose(r, diagnosis.Page{URL: shown + "/", Signed: ours + "/"}).Verdict()
		h.notices.once(h.log, "shown", "the browser shows another origin than the one that reaches Caddy: "+found.Cure(),
			zap.String("browser", shown), zap.String("caddy", ours))
	}
	return &signer.Error{Code: signer.CodeOriginNotAllowed,
		Message: "only URLs of this site are signed, and " + shown + " is not known to be: add the line public_origin (or allow_origin) " + shown + " to the dingtalk directive if it is"}
}

// retryAfter returns the seconds until another try can succeed.
func retryAfter(err error) string {
	wait := time.Second
	var unavailable *tokens.Unavailable
	if errors.As(err, &unavailable) {
		wait = max(wait, unavailable.Retry)
	}
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}

// serveClient answers the script. Its name changes with its content.
func serveClient(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		return writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "this file takes GET and HEAD only")
	}
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(client.Source)))
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write([]byte(client.Source))
	return err
}

// writeError answers `{"error":{"code":"…","message":"…"}}`.
func writeError(w http.ResponseWriter, status int, code, message string) error {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = code, message
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}
