package sandbox

import (
	_ "embed"
	"html/template"
	"net/http"
)

var (
	//go:embed h5/corps.html
	corpsHTML string
	//go:embed h5/corp.html
	corpHTML []byte

	corpsPage = template.Must(template.New("corps.html").Parse(corpsHTML))
)

// DemoCorp is an organisation that the demo of third-party apps shows.
type DemoCorp struct{ ID, Name, English string }

// Corps is a third-party app for a site with its suite: /corps shows the app's page
// /corps/page as the organisations see it, one beside the other, and lets each authorise the
// suite and revoke it. DingTalk pushes that to /corps/.dingtalk/callback.
func Corps(d *DingTalk, corps ...DemoCorp) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /corps", func(w http.ResponseWriter, _ *http.Request) {
		type shown struct {
			DemoCorp
			Authorized bool
		}
		all := make([]shown, len(corps))
		for i, c := range corps {
			a, _ := d.authorization(d.Suites()[0].Key, c.ID)
			all[i] = shown{c, a.State == Authorized}
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_ = corpsPage.Execute(w, all)
	})
	mux.HandleFunc("GET /corps/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(corpHTML)
	})
	return mux
}
