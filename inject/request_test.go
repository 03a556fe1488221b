package inject

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestIsDocumentKnowsWhatBrowsersAskForToShow(t *testing.T) {
	const accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for name, c := range map[string]struct {
		method string
		header http.Header
		want   bool
	}{
		"a navigation":                      {"GET", http.Header{"Sec-Fetch-Dest": {"document"}, "Accept": {accept}}, true},
		"a navigation whatever it accepts":  {"GET", http.Header{"Sec-Fetch-Dest": {"document"}, "Accept": {"*/*"}}, true},
		"an iframe":                         {"GET", http.Header{"Sec-Fetch-Dest": {"iframe"}}, true},
		"a frame":                           {"GET", http.Header{"Sec-Fetch-Dest": {"frame"}}, true},
		"a form that is posted":             {"POST", http.Header{"Sec-Fetch-Dest": {"document"}}, true},
		"a form that an old browser posts":  {"POST", http.Header{"Accept": {accept}}, true},
		"an old browser":                    {"GET", http.Header{"Accept": {accept}}, true},
		"an old browser with capitals":      {"GET", http.Header{"Accept": {"Text/HTML"}}, true},
		"an old browser with several lines": {"GET", http.Header{"Accept": {"image/png", "text/html"}}, true},
		"an app's webview":                  {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"com.alibaba.android.rimet"}}, true},
		"a navigation that asks for safety": {"GET", http.Header{"Accept": {accept}, "Upgrade-Insecure-Requests": {"1"}}, true},
		"a navigation that jQuery marks":    {"GET", http.Header{"Sec-Fetch-Dest": {"document"}, "X-Requested-With": {"XMLHttpRequest"}}, true},
		"a navigation by a service worker":  {"GET", http.Header{"Sec-Fetch-Dest": {"empty"}, "Accept": {accept}, "Upgrade-Insecure-Requests": {"1"}}, true},
		"fetch":                             {"GET", http.Header{"Sec-Fetch-Dest": {"empty"}, "Accept": {accept}}, false},
		"a script":                          {"GET", http.Header{"Sec-Fetch-Dest": {"script"}, "Accept": {"*/*"}}, false},
		"an image":                          {"GET", http.Header{"Sec-Fetch-Dest": {"image"}, "Accept": {accept}}, false},
		"an object":                         {"GET", http.Header{"Sec-Fetch-Dest": {"object"}, "Accept": {accept}}, false},
		"an unknown destination":            {"GET", http.Header{"Sec-Fetch-Dest": {""}, "Accept": {accept}}, false},
		"XMLHttpRequest":                    {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"XMLHttpRequest"}}, false},
		"XMLHttpRequest in small letters":   {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"xmlhttprequest"}}, false},
		"an app's webview, another app":     {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"cn.app_1.H5"}}, true},
		"a library of somebody's own":       {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"swup"}}, false},
		"something that is no name":         {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"com..x"}}, false},
		"a version":                         {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {"axios.1"}}, false},
		"nothing that asks":                 {"GET", http.Header{"Accept": {accept}, "X-Requested-With": {""}}, false},
		"a frame of Turbo":                  {"GET", http.Header{"Accept": {accept}, "Turbo-Frame": {"list"}}, false},
		"htmx":                              {"GET", http.Header{"Accept": {accept}, "Hx-Request": {"true"}}, false},
		"pjax":                              {"GET", http.Header{"Accept": {accept}, "X-Pjax": {"true"}}, false},
		"Unpoly":                            {"GET", http.Header{"Accept": {accept}, "X-Up-Version": {"3.7"}}, false},
		"a navigation that htmx marks":      {"GET", http.Header{"Sec-Fetch-Dest": {"document"}, "Hx-Request": {"true"}}, true},
		"a program that takes all":          {"GET", http.Header{"Accept": {"*/*"}}, false},
		"a program that takes any text":     {"GET", http.Header{"Accept": {"text/*"}}, false},
		"a program that says nothing":       {"GET", http.Header{}, false},
		"an API":                            {"GET", http.Header{"Accept": {"application/json"}}, false},
		"a form":                            {"POST", http.Header{"Accept": {accept}}, true},
		"PUT":                               {"PUT", http.Header{"Accept": {accept}}, false},
		"DELETE":                            {"DELETE", http.Header{"Accept": {accept}}, false},
		"a method of somebody's own":        {"PURGE", http.Header{"Accept": {accept}}, false},
		"HEAD":                              {"HEAD", http.Header{"Sec-Fetch-Dest": {"document"}, "Accept": {accept}}, false},
		"OPTIONS":                           {"OPTIONS", http.Header{"Accept": {accept}}, false},
		"CONNECT":                           {"CONNECT", http.Header{"Accept": {accept}}, false},
		"a websocket":                       {"GET", http.Header{"Accept": {accept}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsDocument(&http.Request{Method: c.method, Header: c.header}); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
}

func TestPrepareAsksForWhatCanBecomeAPage(t *testing.T) {
	for name, c := range map[string]struct{ in, want http.Header }{
		"a range":                    {http.Header{"Range": {"bytes=0-9"}, "If-Range": {`"a"`}}, http.Header{}},
		"a date":                     {http.Header{"If-Modified-Since": {"Mon, 02 Nov 2026 10:00:00 GMT"}}, http.Header{}},
		"tags are for Revalidate":    {http.Header{"If-None-Match": {`"a"`}}, http.Header{"If-None-Match": {`"a"`}}},
		"others stay":                {http.Header{"Accept": {"text/html"}, "Cookie": {"a=b"}}, http.Header{"Accept": {"text/html"}, "Cookie": {"a=b"}}},
		"no Accept-Encoding":         {http.Header{}, http.Header{}},
		"what browsers accept":       {http.Header{"Accept-Encoding": {"gzip, deflate, br, zstd"}}, http.Header{"Accept-Encoding": {"gzip, zstd"}}},
		"all of it known":            {http.Header{"Accept-Encoding": {"gzip,zstd;q=0.5"}}, http.Header{"Accept-Encoding": {"gzip,zstd;q=0.5"}}},
		"all of it known, two lines": {http.Header{"Accept-Encoding": {"gzip", "zstd"}}, http.Header{"Accept-Encoding": {"gzip", "zstd"}}},
		"brotli on a second line":    {http.Header{"Accept-Encoding": {"gzip", "br"}}, http.Header{"Accept-Encoding": {"gzip"}}},
		"brotli alone":               {http.Header{"Accept-Encoding": {"br"}}, http.Header{"Accept-Encoding": {"identity"}}},
		"anything":                   {http.Header{"Accept-Encoding": {"*"}}, http.Header{"Accept-Encoding": {"identity"}}},
		"nothing":                    {http.Header{"Accept-Encoding": {""}}, http.Header{"Accept-Encoding": {""}}},
		"weights stay":               {http.Header{"Accept-Encoding": {"br;q=1.0, gzip;q=0.8, *;q=0.1"}}, http.Header{"Accept-Encoding": {"gzip;q=0.8"}}},
		"empty items go":             {http.Header{"Accept-Encoding": {"gzip, , br,"}}, http.Header{"Accept-Encoding": {"gzip"}}},
		"other names and letters":    {http.Header{"Accept-Encoding": {"X-Gzip ; q=1, BR, Identity"}}, http.Header{"Accept-Encoding": {"X-Gzip ; q=1, Identity"}}},
	} {
		t.Run(name, func(t *testing.T) {
			Prepare(c.in)
			if !reflect.DeepEqual(c.in, c.want) {
				t.Errorf("%v, want %v", c.in, c.want)
			}
		})
	}
}

func TestRevalidateAsksUpstreamForItsOwnTags(t *testing.T) {
	for name, c := range map[string]struct {
		in   []string
		want string // what upstream is asked for, "" if for the page itself
	}{
		"ours":                        {[]string{`"a-t1"`}, `"a"`},
		"ours, weak":                  {[]string{`W/"a-t1"`}, `W/"a"`},
		"ours, with nothing before":   {[]string{`"-t1"`}, `""`},
		"ours, upstream's ends alike": {[]string{`"a-t1-t1"`}, `"a-t1"`},
		"ours, with a comma":          {[]string{`"a,b-t1"`}, `"a,b"`},
		"ours, for a policy":          {[]string{`"a-t1-p0a1b2c"`}, `"a"`},
		"ours, for other policies":    {[]string{`"a-t1-p0a1b2c", "b-t1", "c-t1-p0a1b2c"`}, `"a", "c"`},
		"for what is no policy":       {[]string{`"a-t1-p0a1b2"`, `"a-t1-p0a1b2g"`, `"a-t1-q0a1b2c"`, `"a-t1-p0a1b2c3"`}, ""},
		"that of an older ticket":     {[]string{`"a-t0"`}, ""},
		"that of before us":           {[]string{`"a"`}, ""},
		"a tag that only looks so":    {[]string{`"a-t1x"`}, ""},
		"any":                         {[]string{`*`}, ""},
		"ours and any":                {[]string{`"a-t1", *`}, `"a"`},
		"a list":                      {[]string{`"a-t0", "b-t1",W/"c-t1" , "d"`}, `"b", W/"c"`},
		"a list with empty items":     {[]string{`, ,"a-t1",,"b-t1",`}, `"a", "b"`},
		"several lines":               {[]string{`"a-t1"`, `"b-t0"`, `W/"c-t1"`}, `"a", W/"c"`},
		"no quotes":                   {[]string{`a-t1`}, ""},
		"an open quote":               {[]string{`"a-t1`}, ""},
		"an open quote behind ours":   {[]string{`"a-t1", "b-t1`}, `"a"`},
		"an open quote on one line":   {[]string{`"x`, `"a-t1"`}, `"a"`},
		"something stuck to a tag":    {[]string{`"a-t1"x, "b-t1"`}, `"a"`},
		"a weak mark alone":           {[]string{`W/`}, ""},
		"a small weak mark":           {[]string{`w/"a-t1"`}, ""},
		"a quote alone":               {[]string{`"`}, ""},
		"an empty line":               {[]string{``}, ""},
		"no line":                     {nil, ""},
		// Caddy's encode takes its own suffix off before we see the tag.
		"ours that encode had compressed": {[]string{`"a-t1"`}, `"a"`},
		"ours with encode's suffix still": {[]string{`"a-t1-gzip"`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Accept": {"text/html"}}
			if c.in != nil {
				h["If-None-Match"] = c.in
			}
			want := http.Header{"Accept": {"text/html"}}
			if c.want != "" {
				want["If-None-Match"] = []string{c.want}
			}
			if kept := Revalidate(h, tag); (kept != "") != (c.want != "") || !strings.HasPrefix(kept, tag) && kept != "" {
				t.Errorf("%q was taken off", kept)
			}
			if !reflect.DeepEqual(h, want) {
				t.Errorf("%q, want %q", h, want)
			}
		})
	}
}

func TestRevalidateWithoutASuffixAsksForThePage(t *testing.T) {
	h := http.Header{"If-None-Match": {`"a", "b-t1", *`}}
	if Revalidate(h, "") != "" || len(h) != 0 {
		t.Errorf("%v", h)
	}
}

func TestAskOfTellsWhatARequestAsksFor(t *testing.T) {
	document, other := http.Header{"Accept": {"text/html"}}, http.Header{"Sec-Fetch-Dest": {"empty"}, "Accept": {"text/html"}}
	for name, c := range map[string]struct {
		method string
		header http.Header
		want   Ask
	}{
		"a navigation":               {"GET", document, AskPage},
		"a form":                     {"POST", document, AskPage},
		"the HEAD of a navigation":   {"HEAD", document, AskHead},
		"a fetch":                    {"GET", other, AskPart},
		"the HEAD of a fetch":        {"HEAD", other, AskPart},
		"a program":                  {"GET", http.Header{"Accept": {"*/*"}}, AskPart},
		"a script that posts":        {"POST", other, AskOther},
		"a request without a word":   {"GET", http.Header{}, AskUnclear},
		"a HEAD without a word":      {"HEAD", http.Header{"User-Agent": {"x"}}, AskUnclear},
		"a POST without a word":      {"POST", http.Header{}, AskOther},
		"an upgrade":                 {"GET", http.Header{"Accept": {"text/html"}, "Upgrade": {"websocket"}}, AskOther},
		"an upgrade without a word":  {"GET", http.Header{"Upgrade": {"websocket"}}, AskOther},
		"a method of somebody's own": {"PURGE", document, AskOther},
	} {
		t.Run(name, func(t *testing.T) {
			if got := AskOf(&http.Request{Method: c.method, Header: c.header}); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
