package inject_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
)

// banner puts a script into the pages of next.
func banner(next http.Handler) http.Handler {
	const suffix = "-b1" // of the ETags of the pages that have this very script
	insert := func(dst []byte, _ http.Header) ([]byte, string) {
		return append(dst, `<script src="/banner.js"></script>`...), suffix
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask := inject.AskOf(r)
		switch ask {
		case inject.AskOther:
			next.ServeHTTP(w, r)
			return
		case inject.AskPart, inject.AskUnclear:
			part := inject.NewPartWriter(w, inject.Unmark(r.Header)) // caches must not take it for the page
			next.ServeHTTP(part, r)
			part.Close()
			return
		}
		inject.Prepare(r.Header)
		kept := inject.Revalidate(r.Header, suffix)
		if ask == inject.AskHead {
			head := inject.NewHeadWriter(w, kept, func(http.Header) string { return suffix })
			next.ServeHTTP(head, r)
			head.Close()
			return
		}
		page := inject.NewWriter(w, kept, insert)
		returned := false
		defer func() {
			if !returned {
				page.Abort() // the handler has panicked: the page stays cut off
			}
		}()
		next.ServeHTTP(page, r)
		if page.Again() { // what the browser has does not go with what it was sent now
			r.Header.Del("If-None-Match")
			next.ServeHTTP(page, r)
		}
		returned = true
		_ = page.Finish()
	})
}

// Without Caddy, any http.Handler can be wrapped.
func Example() {
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("ETag", `"v1"`)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Hello</title></head></html>")
	})

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	banner(site).ServeHTTP(w, r)
	fmt.Println(w.Body)
	fmt.Println(w.Header().Get("ETag"))

	// Output:
	// <!DOCTYPE html><html><head><script src="/banner.js"></script><title>Hello</title></head></html>
	// "v1-b1"
}
