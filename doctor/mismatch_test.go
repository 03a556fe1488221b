package doctor

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// arrived is a request that a proxy at 10.0.0.5 has passed on, for /p of
// https://h5.test, with these headers (names and values).
func arrived(headers ...string) Request {
	r := Request{
		Request: signer.Request{Host: "h5.test", Target: "/p"},
		Header:  make(http.Header), Peer: "10.0.0.5", Asked: "https://h5.test/p", Vouched: true,
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func (r Request) unvouched() Request         { r.Vouched = false; return r }
func (r Request) trusted() Request           { r.Trusted = true; return r }
func (r Request) from(peer string) Request   { r.Peer = peer; return r }
func (r Request) asked(url string) Request   { r.Asked = url; return r }
func (r Request) host(host string) Request   { r.Host = host; return r }
func (r Request) target(path string) Request { r.Target = path; return r }

func origins(texts ...string) (out []signer.Origin) {
	for _, text := range texts {
		o, err := signer.ParseOrigin(text)
		if err != nil {
			panic(err)
		}
		out = append(out, o)
	}
	return out
}

// The page shows what the request asks for; what was signed is what the request is
// rebuilt as. So it is on the doctor page.
func TestTheCureOfAMismatchIsWhatWasTried(t *testing.T) {
	const global, directive = "servers", "dingtalk {"
	tests := map[string]struct {
		request  Request
		settings Settings
		words    []string
		not      []string
		lines    []string // what each of the lines to add must hold
	}{
		"the proxy says all that is needed, but is not trusted": {
			arrived("X-Forwarded-Proto", "https"), Settings{},
			[]string{"10.0.0.5", "trusted_proxies static private_ranges"}, []string{"nginx", "public_origin"}, []string{global}},
		"so does one with a public address": {
			arrived("X-Forwarded-Proto", "https").from("203.0.113.7"), Settings{},
			[]string{"if it is your proxy", "trusted_proxies static 203.0.113.7"}, nil, []string{"static 203.0.113.7"}},
		"so does one at a Unix socket": {
			arrived("X-Forwarded-Proto", "https").from("@"), Settings{}, []string{"trusted_proxies_unix"}, []string{"static"}, []string{"trusted_proxies_unix"}},
		"a header that is not named holds it": {
			arrived("X-Client-Scheme", "https").trusted(), Settings{Forwarded: []string{"X-Forwarded-Port"}},
			[]string{"forwarded X-Forwarded-Port X-Client-Scheme"}, []string{"trusted_proxies", "public_origin"}, []string{"forwarded X-Forwarded-Port X-Client-Scheme"}},
		"a header of a proxy that is not trusted either": {
			arrived("Forwarded", "proto=https"), Settings{}, []string{"trusted_proxies", "forwarded Forwarded"}, nil, []string{global, "forwarded Forwarded"}},
		"no header tells the scheme": {
			arrived("X-Forwarded-For", "192.0.2.1").trusted(), Settings{},
			[]string{"X-Forwarded-Proto $scheme", "public_origin https://h5.test "}, []string{"trusted_proxies"}, []string{"X-Forwarded-Proto $scheme", "use-forwarded-headers", directive}},
		"no header tells the scheme, and the proxy is not trusted": {
			arrived(), Settings{}, []string{"X-Forwarded-Proto $scheme", "trusted_proxies"}, nil,
			[]string{"X-Forwarded-Proto $scheme", "use-forwarded-headers", global, "public_origin https://h5.test\n"}},
		"a second proxy says its own scheme": {
			arrived("X-Forwarded-Proto", "http").trusted(), Settings{},
			[]string{"10.0.0.5 sends X-Forwarded-Proto: http", "$http_x_forwarded_proto"}, []string{"$scheme"}, []string{"$http_x_forwarded_proto", "use-forwarded-headers", directive}},
		"the Host is the upstream's": {
			arrived("X-Forwarded-Proto", "https").trusted().host("app.internal"), Settings{},
			[]string{"the host is h5.test, not app.internal", "Host $http_host"}, nil, []string{"Host $http_host", "use-forwarded-headers", directive}},
		"the Host is the upstream's, with its port": {
			arrived("X-Forwarded-Proto", "https").trusted().host("app.internal:3000"), Settings{},
			[]string{"Host $http_host"}, []string{"pass the port on"}, []string{"Host $http_host", "use-forwarded-headers", directive}},
		"the port is lost": {
			arrived("X-Forwarded-Proto", "https").trusted().asked("https://h5.test:8443/p"), Settings{},
			[]string{"$http_host", "not $host", "public_origin https://h5.test:8443 "}, nil, []string{"Host $http_host", "use-forwarded-headers", "h5.test:8443"}},
		"the port stands in a header that is not named": {
			arrived("X-Forwarded-Proto", "https", "X-Forwarded-Port", "8443").trusted().asked("https://h5.test:8443/p"), Settings{},
			[]string{"forwarded X-Forwarded-Port"}, []string{"nginx"}, []string{"forwarded X-Forwarded-Port"}},
		"the path is cut off, and a header says so": {
			arrived("X-Forwarded-Proto", "https", "X-Original-Uri", "/app/p").trusted().asked("https://h5.test/app/p"), Settings{},
			[]string{"forwarded X-Original-URI"}, []string{"nginx", "public_origin"}, []string{"forwarded X-Original-URI"}},
		"the path is cut off, and a header has the prefix": {
			arrived("X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/app").trusted().asked("https://h5.test/app/p"), Settings{},
			[]string{"forwarded X-Forwarded-Prefix"}, []string{"nginx"}, []string{"forwarded X-Forwarded-Prefix"}},
		"the path is cut off, and nothing says so": {
			arrived("X-Forwarded-Proto", "https").trusted().asked("https://h5.test/app/p"), Settings{},
			[]string{"X-Original-URI $request_uri", "forwarded X-Original-URI"}, []string{"public_origin"},
			[]string{"X-Original-URI $request_uri", "proxy-add-original-uri-header", "forwarded X-Original-URI"}},
		"path and host are lost, and a header has the path": {
			arrived("X-Forwarded-Proto", "https", "X-Original-Uri", "/app/p").trusted().host("app.internal").asked("https://h5.test/app/p"), Settings{},
			[]string{"forwarded X-Original-URI", "Host $http_host", "or add the line public_origin https://h5.test "}, []string{"$request_uri"},
			[]string{"forwarded X-Original-URI", "Host $http_host", "use-forwarded-headers", "public_origin https://h5.test\n"}},
		"a header that does not help is not named": {
			arrived("X-Forwarded-Proto", "http", "X-Original-Uri", "/p").trusted(), Settings{},
			[]string{"$http_x_forwarded_proto"}, []string{"X-Original-URI"}, []string{"$http_x_forwarded_proto", "use-forwarded-headers", directive}},
		"public_origin is wrong": {
			arrived("X-Forwarded-Proto", "https").trusted(), Settings{Public: origins("https://old.test")},
			[]string{"public_origin says https://old.test: change it to https://h5.test; where users see both, to public_origin https://h5.test https://old.test"}, []string{"$scheme", "trusted_proxies"}, []string{"public_origin https://h5.test\n"}},
		"public_origin is right, and the path is cut off": {
			arrived("X-Original-Uri", "/app/p").trusted().asked("https://h5.test/app/p"), Settings{Public: origins("https://h5.test")},
			[]string{"forwarded X-Original-URI"}, []string{"public_origin"}, []string{"forwarded X-Original-URI"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			signed := test.request.rebuilt(test.settings, change{})
			d := Examine(Facts{Page: Page{URL: test.request.Asked, Signed: signed}, Request: test.request, Settings: test.settings})
			if f := d.Verdict(); f.Name != "url_mismatch" || f.Status != Error {
				t.Fatalf("%+v", f)
			}
			expectWords(t, d.Verdict(), test.words, test.not)
			if len(d.Lines) != len(test.lines) {
				t.Fatalf("lines %+v, want %q", d.Lines, test.lines)
			}
			for i, want := range test.lines {
				if !strings.Contains(d.Lines[i].Text, want) {
					t.Errorf("line %d lacks %q: %+v", i, want, d.Lines[i])
				}
			}
		})
	}
}

func TestAPageThatWasMadeOtherwiseThanThisRequestIsToBeReloaded(t *testing.T) {
	r := arrived("X-Forwarded-Proto", "https").trusted()
	d := Examine(Facts{Page: Page{URL: "https://h5.test/p", Signed: "http://h5.test/p"}, Request: r})
	expectWords(t, d.Verdict(), []string{"this request is rebuilt rightly", "early data", "reload"}, []string{"nginx", "public_origin"})
	if len(d.Lines) != 0 {
		t.Errorf("lines %+v", d.Lines)
	}
}

// A report is another request than that for the page.
func TestAReportProvesTheOriginOnly(t *testing.T) {
	r := arrived("X-Forwarded-Proto", "https").target("/.dingtalk/report").asked("https://h5.test/.dingtalk/report")
	page := Page{URL: "https://h5.test/app/p", Signed: "http://h5.test/p"}
	d := Examine(Facts{Page: page, Request: r})
	expectWords(t, d.Verdict(), []string{"trusted_proxies static private_ranges", "X-Original-URI $request_uri"}, []string{"public_origin", "$scheme"})

	page.Signed = "https://h5.test/p"
	d = Examine(Facts{Page: page, Request: r.trusted()})
	expectWords(t, d.Verdict(), []string{"X-Original-URI $request_uri"}, []string{"rebuilt rightly", "public_origin"})
}

// Anybody can send reports, and headers with them.
func TestAStrangerWhoReportsIsNotAdvisedAsAProxy(t *testing.T) {
	r := arrived("X-Forwarded-Proto", "https", "X-Client-Scheme", "https").from("203.0.113.66").target("/.dingtalk/report").asked("https://h5.test/.dingtalk/report")
	d := Examine(Facts{Page: Page{URL: "https://h5.test/p", Signed: "http://h5.test/p"}, Request: r})
	expectWords(t, d.Verdict(), []string{"X-Forwarded-Proto $scheme"}, []string{"203.0.113.66", "X-Client-Scheme"})
}

func TestAMismatchThatTheClientHasCorrectedIsAWarning(t *testing.T) {
	d := Examine(Facts{Page: Page{URL: "https://h5.test/app/p", Signed: "https://h5.test/p", Outcome: Ready}})
	if f := d.Verdict(); f.Status != Warning {
		t.Errorf("%+v", f)
	}
	expectWords(t, d.Verdict(), []string{"it works", "the path differs"}, nil)
}
