package sandbox

import (
	"crypto/rand"
	"embed"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"path"
	"strconv"
)

// The files of the H5 app. jsapi.js stands in for DingTalk's JSAPI script, which is only on the network.
var (
	//go:embed h5
	h5 embed.FS

	index = template.Must(template.ParseFS(h5, "h5/index.html"))
)

// H5 is a small H5 app to run behind Caddy. Its page, at / and at /broken/scheme, /broken/port and
// /broken/ticket, calls dd.config with the parameters that the app's own backend signed, and shows what the
// simulated client app makes of them. That backend sits behind a proxy and signs the URL that such a
// server typically sees, so where no sidecar corrects the call the page earns its 52013: / and
// /broken/ticket are to be served with the sidecar, the other two without.
//
// It also serves NativeHandler and ControlHandler, so that the page can call them on its own origin.
func H5(d *DingTalk) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.servePage)
	mux.HandleFunc("GET /broken/{mistake}", d.servePage)
	mux.HandleFunc("GET /native.js", static("native.js", []byte(NativeJS)))
	for _, name := range h5Files() {
		content, _ := h5.ReadFile("h5/" + name) // it is embedded
		mux.HandleFunc("GET /"+name, static(name, content))
	}
	mux.Handle("/native/", d.NativeHandler())
	mux.Handle("/sandbox/", d.ControlHandler())
	return mux
}

// h5Files are the names of its scripts and styles.
func h5Files() []string {
	scripts, _ := fs.Glob(h5, "h5/*.js") // the patterns are right
	styles, _ := fs.Glob(h5, "h5/*.css")
	var names []string
	for _, file := range append(scripts, styles...) {
		names = append(names, path.Base(file))
	}
	return names
}

// H5Paths are the patterns of the paths that H5 answers, but for those below /sandbox/
// and /native/.
func H5Paths() []string {
	paths := []string{"/{$}", "/broken/", "/native.js"}
	for _, name := range h5Files() {
		paths = append(paths, "/"+name)
	}
	return paths
}

func static(name string, content []byte) http.HandlerFunc {
	mediaType := "text/javascript; charset=utf-8"
	if path.Ext(name) == ".css" {
		mediaType = "text/css; charset=utf-8"
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(content)
	}
}

// page is what the page's script learns from the app's backend.
type page struct {
	Mistake   string     `json:"mistake"`   // the last part of the path: "", scheme, port or ticket
	SignedURL string     `json:"signedURL"` // the URL that the backend believed in
	Config    pageConfig `json:"config"`
}

// pageConfig is the object for dd.config.
type pageConfig struct {
	AgentID   string   `json:"agentId"`
	CorpID    string   `json:"corpId"`
	TimeStamp string   `json:"timeStamp"`
	NonceStr  string   `json:"nonceStr"`
	Signature string   `json:"signature"`
	Type      int      `json:"type"`
	JSAPIList []string `json:"jsApiList"`
}

func (d *DingTalk) servePage(w http.ResponseWriter, r *http.Request) {
	mistake := r.PathValue("mistake")
	switch mistake {
	case "", "scheme", "port", "ticket":
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	seen := urlBehindProxy(r, mistake == "port")
	_ = index.Execute(w, page{mistake, seen, d.backendSigns(seen)})
}

// urlBehindProxy is the page's URL as an app behind a proxy puts it together when the proxy does not tell
// it everything: with the wrong scheme, or with the right scheme and the wrong port.
func urlBehindProxy(r *http.Request, wrongPort bool) string {
	scheme, wrongScheme := "http", "https"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme, wrongScheme = wrongScheme, scheme
	}
	host := r.Host
	if wrongPort {
		host = otherPort(r)
	} else {
		scheme = wrongScheme
	}
	return scheme + "://" + host + r.RequestURI
}

// otherPort is the Host without its port, or, where it has none, with the port that the app listens on.
func otherPort(r *http.Request) string {
	if name, _, err := net.SplitHostPort(r.Host); err == nil {
		return name
	}
	port := 8080
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		port = addr.Port
	}
	return net.JoinHostPort(r.Host, strconv.Itoa(port))
}

// backendSigns is the signing code that most H5 apps have. It shares the living ticket, or fetches one.
func (d *DingTalk) backendSigns(pageURL string) pageConfig {
	ticket := d.Ticket(App)
	if ticket == "" {
		ticket = d.org.ticket(d.first().of(App))
	}
	timeStamp := strconv.FormatInt(d.options.Now().Unix(), 10)
	nonceStr := rand.Text()
	return pageConfig{
		AgentID:   d.options.AgentID,
		CorpID:    d.options.CorpID,
		TimeStamp: timeStamp,
		NonceStr:  nonceStr,
		Signature: sign(SHA1, ticket, nonceStr, timeStamp, QueryDecoded.Of(pageURL)),
		JSAPIList: []string{"device.notification.alert"},
	}
}
