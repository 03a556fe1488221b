package signer

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzPage gives each header one line, and a second one where the text holds a
// line break. Bits of believed say which names are believed.
func FuzzPage(f *testing.F) {
	names := []string{"X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Client-Scheme", "Forwarded"}
	public := mustOrigins(f, "https://h5.test:8443", "https://app.test", "http://app.test:8080")
	for _, row := range browserRows(f) {
		if len(row.Target) < 2000 {
			f.Add(row.Scheme == "https", row.Host, row.Target, false, uint8(0), uint8(0), "", "", "", "", "", "", "")
		}
	}
	for i, row := range load[proxyRow](f, "proxy-recipes.json") {
		if row.Target != nil {
			get := func(name string) string { return strings.Join(row.Headers[http.CanonicalHeaderKey(name)], "\n") }
			f.Add(row.TLS, *row.Host, *row.Target, true, uint8(31), uint8(i), get("X-Forwarded-Proto"), get("X-Forwarded-Host"),
				get("X-Forwarded-Port"), get("X-Forwarded-Prefix"), get("X-Forwarded-Uri"), "", get("Forwarded"))
		}
	}
	f.Fuzz(func(t *testing.T, tls bool, host, target string, trusted bool, believed, publics uint8,
		xproto, xhost, xport, xprefix, xuri, client, forwarded string,
	) {
		var some []string
		for i, name := range names {
			if believed&(1<<i) != 0 {
				some = append(some, name)
			}
		}
		header := http.Header{}
		for name, text := range map[string]string{
			"X-Forwarded-Proto": xproto, "X-Forwarded-Host": xhost, "X-Forwarded-Port": xport, "X-Forwarded-Prefix": xprefix,
			"X-Forwarded-Uri": xuri, "X-Client-Scheme": client, "Forwarded": forwarded,
		} {
			if text != "" {
				header[name] = strings.Split(text, "\n")
			}
		}
		req := Request{TLS: tls, Host: host, Target: target}
		if trusted {
			req.Forwarded = header
		}
		origins := public[:int(publics)%(len(public)+1)]
		page, err := NewRules(origins, some).Page(req)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code() != CodeOriginUnknown && e.Code() != CodeBadURL || page != (Page{}) {
				t.Fatalf("%+v, %#v", page, err)
			}
			return
		}

		url := page.URL()
		if strings.IndexFunc(url, func(r rune) bool { return r < 0x21 || r > 0x7E || r == '#' }) >= 0 {
			t.Errorf("no browser shows %q", url)
		}
		again, err := ParseURL(url)
		if err != nil || again.Origin != page.Origin || again.Target != page.Prefix+page.Target {
			t.Errorf("%+v, but %q parses as %+v, %v", page, url, again, err)
		}

		heard, asked := []string{host}, []string{target}
		if trusted {
			heard = append(heard, xhost)
			if slices.Contains(some, "Forwarded") {
				heard = append(heard, strings.ReplaceAll(forwarded, `\`, ""))
			}
			if slices.Contains(some, "X-Forwarded-Uri") {
				asked = append(asked, xuri)
			}
		}
		switch {
		case len(origins) > 0:
			if !slices.Contains(origins, page.Origin) || !page.Public {
				t.Errorf("%v is no public origin", page.Origin)
			}
		case !slices.ContainsFunc(heard, func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(page.Origin.Host)) }):
			t.Errorf("nobody said %q", page.Origin.Host)
		}
		if !slices.Contains(asked, page.Target) {
			t.Errorf("nobody asked for %q", page.Target)
		}
		if page.Prefix != "" && (!trusted || page.Prefix != strings.TrimSuffix(xprefix, "/")) {
			t.Errorf("nobody said prefix %q", page.Prefix)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, row := range browserRows(f) {
		if len(row.Href) < 2000 {
			f.Add(row.Href)
		}
	}
	for _, s := range []string{"HTTP://U@h/", "https://A%2AB.test:443/#f", "https://[::FFFF:1.2.3.4]:/?", "javascript:1", "//h/", "http://h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		page, err := ParseURL(s)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code() != CodeOriginNotAllowed && e.Code() != CodeBadURL || page != (Page{}) {
				t.Fatalf("%q: %+v, %#v", s, page, err)
			}
			return
		}
		if again, err := ParseURL(page.URL()); err != nil || again != page {
			t.Errorf("%q: %+v, but %q parses as %+v, %v", s, page, page.URL(), again, err)
		}
		odd := strings.ContainsAny(page.Origin.Host, listMarks) // a page may have it, a configuration not
		if origin, err := ParseOrigin(page.Origin.String()); (err != nil) != odd || !odd && origin != page.Origin {
			t.Errorf("%q: origin %v parses as %v, %v", s, page.Origin, origin, err)
		}
		if path, _, _ := strings.Cut(s, "#"); !strings.HasSuffix(path, page.Target) {
			t.Errorf("%q: target %q", s, page.Target)
		}
	})
}
