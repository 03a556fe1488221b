package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestWhatElseAPageMayNameItsTenantBy: whatever a query, a page before and a cookie say, and
// however it is written, what the first of them names counts, and nothing else.
func TestWhatElseAPageMayNameItsTenantBy(t *testing.T) {
	paths := tenantSite("paths.test", "\t\timport bases\n"+tenantA+strings.Replace(tenantB, "import", "path /crm/*\n\t\t\timport", 1))
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites + paths, DingTalk: corps})
	const a, b = "dingtalk_tenant=ding111.1001", "dingtalk_tenant=ding222.2001"
	before := func(query string) string { return "Referer: http://h5.test:" + s.Port + "/p" + query }
	for name, tt := range map[string]struct {
		where   string
		headers []string // "Name: value"
		want    string
	}{
		"an encoded name":                                 {"h5.test/p?c%6Frpid=ding111", nil, "ding111/1001 query"},
		"one value, encoded and not":                      {"h5.test/p?corpid=ding111&CORP_ID=%64ing111", nil, "ding111/1001 query"},
		"an agent twice":                                  {"h5.test/p?agentid=1001&corpid=ding111&agent_id=1001", nil, "ding111/1001 query"},
		"two agents":                                      {"h5.test/p?corpid=ding111&agentid=1001&agentid=2001", nil, "tenant_unknown"},
		"a semicolon, which parts nothing":                {"h5.test/p?corpid=ding111;agentid=1001", nil, "tenant_unknown"},
		"a zero before the agent":                         {"h5.test/p?agentid=01001", nil, "tenant_unknown"},
		"a space behind the corp":                         {"h5.test/p?corpid=ding111%20", nil, "tenant_unknown"},
		"a NUL behind the corp":                           {"h5.test/p?corpid=ding111%00", nil, "tenant_unknown"},
		"a corp that is encoded twice":                    {"h5.test/p?corpid=%2564ing111", nil, "tenant_unknown"},
		"an empty corp and an agent":                      {"h5.test/p?corpid=&agentid=2001", nil, "ding222/2001 query"},
		"a name within another's value":                   {"h5.test/p?next=/q?corpid=ding111", nil, "tenant_ambiguous"},
		"a corp in an encoded value, which names nothing": {"h5.test/p?next=%2Fq%3Fx%3D1%26corpid%3Dding111", nil, "tenant_ambiguous"},
		"a stranger's query, with both others":            {"h5.test/q?corpid=ding999", []string{before("?corpid=ding111"), "Cookie: " + a}, "tenant_unknown"},
		"an agent of nobody, with both others":            {"h5.test/q?agentid=7", []string{before("?corpid=ding111"), "Cookie: " + a}, "tenant_unknown"},
		"a query that says nothing, with both others":     {"h5.test/q?corpid=$CORPID$", []string{before("?corpid=ding111"), "Cookie: " + b}, "ding111/1001 referer"},
		"a stranger's page before, with a cookie":         {"h5.test/q", []string{before("?corpid=ding999"), "Cookie: " + a}, "tenant_unknown"},
		"a page before that names two, with a cookie":     {"h5.test/q", []string{before("?corpid=ding111&corpid=ding222"), "Cookie: " + a}, "tenant_unknown"},
		"a page before that says nothing, with a cookie":  {"h5.test/q", []string{before("?corpid=%24CORPID%24"), "Cookie: " + a}, "ding111/1001 cookie"},
		"a page before without a query, with a cookie":    {"h5.test/q", []string{before(""), "Cookie: " + b}, "ding222/2001 cookie"},
		"a page before of another scheme":                 {"h5.test/q", []string{"Referer: https://h5.test:PORT/p?corpid=ding111"}, "tenant_ambiguous"},
		"a page before with a user":                       {"h5.test/q", []string{"Referer: http://h5.test:PORT@evil.test/p?corpid=ding111"}, "tenant_ambiguous"},
		"two cookies, the nearer path's first":            {"h5.test/q", []string{"Cookie: " + b + "; " + a}, "ding222/2001 cookie"},
		"two cookies in two lines":                        {"h5.test/q", []string{"Cookie: x=1; " + a, "Cookie: " + b}, "ding111/1001 cookie"},
		"a cookie of another name that ends like ours":    {"h5.test/q", []string{"Cookie: xdingtalk_tenant=ding111.1001"}, "tenant_ambiguous"},
		"a cookie in another case":                        {"h5.test/q", []string{"Cookie: DingTalk_Tenant=ding111.1001"}, "tenant_ambiguous"},
		"a cookie of a corp with another's agent":         {"h5.test/q", []string{"Cookie: dingtalk_tenant=ding111.2001"}, "tenant_unknown"},
		"a cookie in quotes":                              {"h5.test/q", []string{`Cookie: dingtalk_tenant="ding111.1001"`}, "tenant_ambiguous"},
		"somebody else's cookie at a host of its own":     {"b.test/q", []string{"Cookie: " + a}, "tenant_unknown"},
		"a stranger's cookie, with a default":             {"default.test/q", []string{"Cookie: dingtalk_tenant=ding999.1"}, "tenant_unknown"},
		"a path of its own":                               {"paths.test/crm/x?y=1", nil, "ding222/2001 only"},
		"a path of its own, encoded":                      {"paths.test/%63rm/x", nil, "ding222/2001 only"},
		"another's corp on a path of its own":             {"paths.test/crm/x?corpid=ding111", nil, "tenant_unknown"},
		"another's cookie on a path of its own":           {"paths.test/crm/x", []string{"Cookie: " + a}, "tenant_unknown"},
		"beside a path of its own":                        {"paths.test/crmx", nil, "ding111/1001 only"},
		"the corp of a path elsewhere":                    {"paths.test/p?corpid=ding222", nil, "tenant_unknown"},
		"a part of a page is asked for":                   {"h5.test/p?corpid=ding111", []string{"Range: bytes=0-10", "If-Range: \"x\""}, "ding111/1001 query"},
		"a query of 6 KiB with the corp at its very end":  {"h5.test/p?x=" + strings.Repeat("y", 6<<10) + "&corpid=ding111", nil, "ding111/1001 query"},
	} {
		t.Run(name, func(t *testing.T) {
			host, target, _ := strings.Cut(tt.where, "/")
			header := testsite.DocumentHeader()
			for _, line := range tt.headers {
				name, value, _ := strings.Cut(strings.ReplaceAll(line, "PORT", s.Port), ": ")
				header.Add(name, value)
			}
			got := s.Do(t, http.MethodGet, s.At(host)+"/"+target, "", header)
			if got.Status != http.StatusOK || got.Snippet(t).Tenant() != tt.want {
				t.Fatalf("%d %s, want %s", got.Status, got.Snippet(t).Tenant(), tt.want)
			}
			if corp, _, signed := strings.Cut(tt.want, "/"); signed {
				if p := s.ExpectSigned(t, got, s.At(host)+"/"+target).Params(t); p.CorpID != corp {
					t.Errorf("signed for %s", p.CorpID)
				}
			} else if got.Without(t) != testsite.Page || got.Header.Get("Set-Cookie") != "" {
				t.Errorf("%v %s", got.Header, got.Body)
			}
		})
	}
}

func TestWhatElseConfigIsAskedFor(t *testing.T) {
	paths := tenantSite("paths.test", "\t\timport bases\n"+tenantA+strings.Replace(tenantB, "import", "path /crm/*\n\t\t\timport", 1))
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites + paths, DingTalk: corps})
	for name, tt := range map[string]struct{ site, query, page, want string }{
		"an empty parameter":                        {"h5.test", "corpid=&", "/p?corpid=ding111", "ding111"},
		"what the workbench has not replaced":       {"h5.test", "corpid=%24CORPID%24&", "/p?corpid=ding222", "ding222"},
		"a URL that contradicts itself":             {"h5.test", "", "/p?corpid=ding111&corpid=ding222", "403 tenant_unknown"},
		"a parameter for a URL with two":            {"h5.test", "corpid=ding111&", "/p?corpid=ding111&corpid=ding222", "400 tenant_conflict"},
		"an agent of another corp than the URL's":   {"h5.test", "agentid=2001&", "/p?corpid=ding111", "403 tenant_unknown"},
		"a corp in the URL's fragment, which drops": {"h5.test", "", "/p?x=1#?corpid=ding111", "400 tenant_ambiguous"},
		"a page on a path of its own":               {"paths.test", "", "/crm/x", "ding222"},
		"another's for a page on a path of its own": {"paths.test", "corpid=ding111&", "/crm/x", "403 tenant_unknown"},
		"a page beside a path of its own":           {"paths.test", "", "/p", "ding111"},
		"a path's for a page beside it":             {"paths.test", "corpid=ding222&", "/p", "403 tenant_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			page := s.At(tt.site) + tt.page
			a := s.Fetch(t, http.MethodGet, s.At(tt.site)+"/.dingtalk/config?"+tt.query+"url="+url.QueryEscape(page), "")
			if code, refused := strings.CutPrefix(tt.want, fmt.Sprint(a.Status)+" "); refused {
				testsite.ExpectRefusal(t, a, a.Status, code)
			} else if s.ExpectConfig(t, a, page); !strings.Contains(a.Body, `"corpId":"`+tt.want+`"`) {
				t.Errorf("%d %s, want %s", a.Status, a.Body, tt.want)
			}
		})
	}
}

// TestTagsOfTwoTenantsInOneQuestion: only that of the tenant whose page it is counts.
func TestTagsOfTwoTenantsInOneQuestion(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps, Upstream: tagged(new(condition))})
	at := s.At("h5.test") + "/q"
	const a, b = "dingtalk_tenant=ding111.1001", "dingtalk_tenant=ding222.2001"
	tagA, tagB := s.Get(t, at, "Cookie", a).Header.Get("Etag"), s.Get(t, at, "Cookie", b).Header.Get("Etag")
	for _, tt := range []struct {
		cookie, tags, tag string
		status            int
	}{
		{a, tagA + ", " + tagB, tagA, 304}, {b, tagA + ", " + tagB, tagB, 304}, {b, `"other", W/` + tagB, tagB, 304},
		{b, tagA, tagB, 200}, {"", tagA + ", " + tagB, "", 200}, {"dingtalk_tenant=ding999.1", tagA, "", 200},
	} {
		got := s.Get(t, at, "Cookie", tt.cookie, "If-None-Match", tt.tags)
		if got.Status != tt.status || tt.tag != "" && strings.TrimPrefix(got.Header.Get("Etag"), "W/") != strings.TrimPrefix(tt.tag, "W/") || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s with %s: %d %v", tt.cookie, tt.tags, got.Status, got.Header)
		}
	}
	head := s.Do(t, http.MethodHead, at, "", testsite.DocumentHeader("Cookie", b))
	if head.Status != http.StatusOK || head.Header.Get("Etag") != tagB || head.Header.Get("Content-Length") != "" || head.Header.Get("Set-Cookie") != "" {
		t.Errorf("HEAD: %d %v", head.Status, head.Header)
	}
}

// TestAReportThatContradictsItsURLSuspectsNobody's ticket, nor do those that name two.
func TestAReportThatContradictsItsURLSuspectsNobody(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("h5.test", "\t\timport bases\n"+tenantA+tenantB), DingTalk: corps})
	h5 := s.At("h5.test")
	calls := func() [2]int {
		return [2]int{s.Ding.CallsFor("ding111")["v1.ticket"], s.Ding.CallsFor("ding222")["v1.ticket"]}
	}
	testsite.Eventually(t, "the tickets of both", func() bool { return calls() == [2]int{1, 1} })
	for _, who := range []string{`"corpId":"ding222","agentId":"2001"`, `"corpId":"ding222"`, `"agentId":2001`, `"corpId":"ding999"`} {
		body := fmt.Sprintf(`{"url":"%s/p?corpid=ding111","signed":"%[1]s/p?corpid=ding111","code":52013,"message":"",%s}`, h5, who)
		if a := s.Fetch(t, http.MethodPost, h5+"/.dingtalk/report", body, "Origin", h5, "Sec-Fetch-Site", "same-origin"); a.Status != http.StatusNoContent {
			t.Errorf("%s: %d %s", who, a.Status, a.Body)
		}
	}
	if got := calls(); got != [2]int{1, 1} {
		t.Errorf("%v calls for tickets", got)
	}
}

// TestTenantsComeGoAndChangeWithAReload: the others' tickets are not fetched again, and what
// was kept of a page of another agent is not shown.
func TestTenantsComeGoAndChangeWithAReload(t *testing.T) {
	options := corps
	options.Apps = append([]sandbox.Account{}, corps.Apps...)
	options.Apps[2].CorpID = "ding333"
	s := testsite.Run(t, testsite.Setup{Sites: tenantSite("h5.test", "\t\timport bases\n"+tenantA+tenantB), DingTalk: options, Upstream: tagged(new(condition))})
	h5 := s.At("h5.test")
	want := func(when string, pages map[string]string) {
		t.Helper()
		for query, want := range pages {
			if got := s.Get(t, h5+"/p?"+query).Snippet(t).Tenant(); got != want {
				t.Errorf("%s, %s is %s, want %s", when, query, got, want)
			}
		}
	}
	want("before", map[string]string{"corpid=ding111": "ding111/1001 query", "corpid=ding222": "ding222/2001 query", "corpid=ding333": "tenant_unknown"})
	tag := s.Get(t, h5+"/p?corpid=ding111").Header.Get("Etag")
	before := s.Ding.CallsFor("ding111")
	changed := strings.Replace(s.Caddyfile, "tenant ding222 2001", "tenant ding333 1002", 1)
	changed = strings.Replace(changed, "import app3", "import app4", 1)
	changed = strings.Replace(changed, "tenant ding111 1001", "tenant ding111 7777", 1)
	if err := s.Load(t, changed); err != nil {
		t.Fatal(err)
	}
	want("after", map[string]string{
		"corpid=ding111": "ding111/7777 query", "corpid=ding111&agentid=1001": "tenant_unknown", "corpid=ding222": "tenant_unknown", "corpid=ding333": "ding333/1002 query",
	})
	if a := s.Get(t, h5+"/p?corpid=ding111", "If-None-Match", tag); a.Status != http.StatusOK {
		t.Errorf("with the tag from before: %d", a.Status)
	}
	if got := s.Get(t, h5+"/q", "Cookie", "dingtalk_tenant=ding111.1001").Snippet(t).Tenant(); got != "tenant_unknown" {
		t.Errorf("with the cookie from before: %s", got)
	}
	if after := s.Ding.CallsFor("ding111"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("calls %v, before %v", after, before)
	}
	if err := s.Load(t, s.Fill.Replace(s.Caddyfile)); err != nil {
		t.Fatal(err)
	}
	want("back again", map[string]string{"corpid=ding111": "ding111/1001 query", "corpid=ding222": "ding222/2001 query", "corpid=ding333": "tenant_unknown"})
}

// TestTheCookieStaysHereWhateverIsAsked: neither uploads nor upgrades take it upstream.
func TestTheCookieStaysHereWhateverIsAsked(t *testing.T) {
	seen := make(chan http.Header, 1)
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen <- r.Header
	})})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodOptions, http.MethodDelete} {
		s.Do(t, method, s.At("h5.test")+"/api", "body", testsite.Header("Cookie", "a=1; dingtalk_tenant=ding111.1001; dingtalk_tenant=ding222.2001"))
		if got := (<-seen).Get("Cookie"); got != "a=1" {
			t.Errorf("%s: upstream sees %q", method, got)
		}
	}
}
