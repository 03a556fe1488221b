package sandbox

import (
	"crypto/rand"
	_ "embed"
	"html/template"
	"io"
	"net"
	"net/http"
	"strconv"
)

// The files of the H5 app. jsapi.js stands in for DingTalk's JSAPI script, which is only on the network.
var (
	//go:embed h5/index.html
	indexHTML string
	//go:embed h5/jsapi.js
	jsapiJS string
	//go:embed h5/demo.js
	demoJS string
	//go:embed h5/chat.js
	chatJS string
	//go:embed h5/demo.css
	demoCSS string

	index = template.Must(template.New("index.html").Parse(indexHTML))
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
	mux.HandleFunc("GET /native.js", static("text/javascript", NativeJS))
	mux.HandleFunc("GET /jsapi.js", static("text/javascript", jsapiJS))
	mux.HandleFunc("GET /demo.js", static("text/javascript", demoJS))
	mux.HandleFunc("GET /chat.js", static("text/javascript", chatJS))
	mux.HandleFunc("GET /demo.css", static("text/css", demoCSS))
	mux.Handle("/native/", d.NativeHandler())
	mux.Handle("/sandbox/", d.ControlHandler())
	return mux
}

func static(mediaType, content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = io.WriteString(w, content)
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
