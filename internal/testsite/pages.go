package testsite

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// NoUpstream is an upstream that nothing may reach.
func NoUpstream(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s went upstream", r.Method, r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
	}
}

// Page is the page of ServePage.
const Page = "<!DOCTYPE html>\n<html><head><title>H5</title></head><body>页面</body></html>\n"

// ServePage is an upstream that has a page everywhere.
func ServePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, Page)
}

// Beginning is that of Page, up to the place of the snippet.
const Beginning = "<!DOCTYPE html>\n<html><head>"

// LongPage has more than a megabyte.
var LongPage = strings.Replace(Page, "页面", strings.Repeat("页面", 200_000), 1)

// Response is one that an upstream can be told to send.
type Response struct {
	Status int // 200 if 0
	Header http.Header
	Body   string
}

// ServeHTTP sends the response.
func (p Response) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), p.Header)
	if p.Status != 0 {
		w.WriteHeader(p.Status)
	}
	_, _ = w.Write([]byte(p.Body))
}
