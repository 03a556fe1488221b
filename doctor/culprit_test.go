package doctor

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// obeyed is a request as it comes when its proxy, which browsers ask for the page, has these
// lines of nginx, too.
func obeyed(r Request, lines []Line) Request {
	page, err := signer.ParseURL(r.Asked)
	if err != nil {
		return r
	}
	r.Header = r.Header.Clone()
	for _, line := range lines {
		if line.Where != "nginx" {
			continue
		}
		for setting := range strings.Lines(line.Text) {
			words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(setting), ";"))
			if len(words) != 3 || words[0] != "proxy_set_header" {
				continue
			}
			value := map[string]string{
				`""`: "", "$http_host": strings.TrimPrefix(page.Origin.String(), page.Origin.Scheme+"://"), "$request_uri": page.Target,
				"$scheme": page.Origin.Scheme, "$http_x_forwarded_proto": page.Origin.Scheme,
			}[words[2]]
			switch {
			case words[1] == "Host":
				r.Host = value
			case value == "":
				r.Header.Del(words[1])
			default:
				r.Header.Set(words[1], value)
			}
		}
	}
	return r
}

// TestTheHeaderIsNamedThatIsWrong, and not the Host, which it counts before. Who follows
// what is said, at the proxy and here, has a page that is signed rightly.
func TestTheHeaderIsNamedThatIsWrong(t *testing.T) {
	const secure = "X-Forwarded-Proto"
	for name, test := range map[string]struct {
		request  Request
		settings Settings
		words    []string
		not      []string
	}{
		"a host that a client has sent": {
			arrived(secure, "https", "X-Forwarded-Host", "typed.test").trusted(), Settings{},
			[]string{"10.0.0.5 sends X-Forwarded-Host: typed.test", `X-Forwarded-Host "";`}, []string{"$http_host"}},
		"a host of the proxy's own, and a Host, too": {
			arrived(secure, "https", "X-Forwarded-Host", "app:3000").trusted().host("app:3000"), Settings{},
			[]string{"X-Forwarded-Host: app:3000", `X-Forwarded-Host "";`, "Host $http_host"}, nil},
		"a host without the port": {
			arrived(secure, "https", "X-Forwarded-Host", "h5.test").trusted().host("h5.test:8443").asked("https://h5.test:8443/p"), Settings{},
			[]string{"X-Forwarded-Host: h5.test", `X-Forwarded-Host "";`}, []string{"$http_host"}},
		"a host without the port, and a Host, too": {
			arrived(secure, "https", "X-Forwarded-Host", "h5.test").trusted().asked("https://h5.test:8443/p"), Settings{},
			[]string{"X-Forwarded-Host: h5.test", "Host $http_host"}, nil},
		"of several public origins": {
			arrived(secure, "https", "X-Forwarded-Host", "b.test").trusted(), Settings{Public: origins("https://h5.test", "https://b.test")},
			[]string{"X-Forwarded-Host: b.test", `X-Forwarded-Host "";`}, []string{"$http_host"}},
		"a port of the proxy's own": {
			arrived(secure, "https", "X-Forwarded-Port", "8080").trusted(), Settings{Forwarded: []string{"X-Forwarded-Port", "X-Client-Scheme"}},
			[]string{"X-Forwarded-Port: 8080", "take X-Forwarded-Port out of that line"}, []string{"$http_host"}},
		"the scheme of an inner proxy": {
			arrived(secure, "https", "X-Client-Scheme", "http").trusted(), Settings{Forwarded: []string{"X-Client-Scheme"}},
			[]string{"X-Client-Scheme: http", "take X-Client-Scheme out"}, []string{"$http_x_forwarded_proto"}},
		"the standard header, and another that says the scheme wrongly": {
			arrived(secure, "http", "Forwarded", "proto=http;host=app").trusted(), Settings{Forwarded: []string{"Forwarded"}},
			[]string{"Forwarded: proto=http;host=app", "take Forwarded out", "$http_x_forwarded_proto"}, []string{"$http_host"}},
		"a prefix that nobody has cut off": {
			arrived(secure, "https", "X-Forwarded-Prefix", "/app").target("/app/p").trusted().asked("https://h5.test/app/p"), Settings{Forwarded: []string{"X-Forwarded-Prefix"}},
			[]string{"X-Forwarded-Prefix: /app", "take X-Forwarded-Prefix out"}, []string{"$request_uri"}},
		"an original target that is none": {
			arrived(secure, "https", "X-Original-Uri", "/index.html").trusted().asked("https://h5.test/p"), Settings{Forwarded: []string{"X-Original-URI"}},
			[]string{"take X-Original-URI out"}, []string{"$request_uri"}},
		"an original target that is cut off, too": {
			arrived(secure, "https", "X-Rewrite-Url", "/p").trusted().asked("https://h5.test/app/p"), Settings{Forwarded: []string{"X-Client-Scheme", "X-Rewrite-URL"}},
			[]string{"X-Rewrite-URL $request_uri"}, []string{"X-Original-URI", "out of that line"}},
		"a prefix that is wrong": {
			arrived(secure, "https", "X-Forwarded-Prefix", "/old").trusted().asked("https://h5.test/app/p"), Settings{Forwarded: []string{"X-Forwarded-Prefix"}},
			[]string{"X-Original-URI $request_uri", "change the line forwarded of the dingtalk directive to forwarded X-Forwarded-Prefix X-Original-URI"}, []string{"out of that line", "trusted_proxies"}},
		"host and path at once": {
			arrived(secure, "https", "X-Forwarded-Host", "typed.test").trusted().asked("https://h5.test/app/p"), Settings{},
			[]string{"X-Forwarded-Host: typed.test", "X-Original-URI $request_uri", "forwarded X-Original-URI"}, []string{"trusted_proxies", "$http_host"}},
		"a path that a proxy cuts off who is not trusted": {
			arrived().asked("http://h5.test/app/p"), Settings{},
			[]string{"X-Original-URI $request_uri", "name the proxy in trusted_proxies", "trusted_proxies static private_ranges"}, []string{"out of that line"}},
	} {
		t.Run(name, func(t *testing.T) {
			signed := test.request.rebuilt(test.settings, change{})
			d := Examine(Facts{Page: Page{URL: test.request.Asked, Signed: signed}, Request: test.request, Settings: test.settings})
			if d.Verdict().Name != "url_mismatch" {
				t.Fatalf("%+v", d.Verdict())
			}
			expectWords(t, d.Verdict(), test.words, test.not)
			settings := test.settings
			for _, h := range signer.Headers { // as the words have it
				if strings.Contains(d.Verdict().Advice().EN, "take "+h.Name+" out of that line") {
					settings = Facts{Settings: settings}.without(h).Settings
				}
			}
			if r, s := followed(obeyed(test.request, d.Lines), settings, d.Lines); !signs(r, s) {
				t.Errorf("who follows it has pages that are not signed: %s %+v", r.rebuilt(s, change{}), d.Lines)
			}
		})
	}
}

// TestTheHeaderIsNamedThatNobodyVouchesFor where the page is not signed at all.
func TestTheHeaderIsNamedThatNobodyVouchesFor(t *testing.T) {
	r := arrived("X-Forwarded-Proto", "https", "X-Forwarded-Host", "typed.test").trusted().unvouched()
	header := HostHeader(r, Settings{})
	if header != "X-Forwarded-Host: typed.test" {
		t.Errorf("the host comes from %q", header)
	}
	for name, r := range map[string]Request{"not trusted": arrived("X-Forwarded-Host", "typed.test"), "not sent": arrived().trusted()} {
		if header := HostHeader(r, Settings{}); header != "" {
			t.Errorf("%s: the host comes from %q", name, header)
		}
	}
	why := &signer.Error{Reason: signer.Unvouched, Subject: "https://typed.test", Header: header}
	expectWords(t, Finding{Text: Refusal(why)}, []string{"https://typed.test is this site", "comes from X-Forwarded-Host: typed.test of a trusted proxy", `proxy_set_header X-Forwarded-Host "";`}, []string{"$http_host"})

	r.Unknown = why
	d := Examine(Facts{Page: Page{URL: r.Asked}, Request: r})
	expectWords(t, d.Verdict(), []string{"https://h5.test is this site", "X-Forwarded-Host: typed.test"}, []string{"https://typed.test is"})
	d = Examine(Facts{Page: Page{URL: r.Asked}, Request: r, Settings: Settings{Public: origins("https://a.test", "https://b.test")}})
	expectWords(t, d.Verdict(), []string{"https://h5.test is this site", "X-Forwarded-Host: typed.test"}, nil)
	if r, s := followed(obeyed(r, d.Lines), Settings{}, d.Lines); !signs(r, s) {
		t.Errorf("who follows it has pages that are not signed: %+v", d.Lines)
	}
}

// TestAPathHeaderThatIsMalformedIsNotCuredByAnOrigin: no origin says anything of a path.
func TestAPathHeaderThatIsMalformedIsNotCuredByAnOrigin(t *testing.T) {
	for header, origin := range map[string]bool{"X-Forwarded-Host": true, "Forwarded": true, "X-Forwarded-Prefix": false, "X-Original-Uri": false, "X-Of-Our-Own": false} {
		text := Refusal(&signer.Error{Reason: signer.BadHeader, Subject: header})
		expectBoth(t, text)
		if strings.Contains(text.EN, "public_origin") != origin || strings.Contains(text.EN, "the line forwarded") == origin || !strings.Contains(text.EN, "header "+header+" ") {
			t.Errorf("%s: %s", header, text.EN)
		}
	}
}
