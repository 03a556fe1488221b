package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// corps is a DingTalk with two apps in ding111 and one in ding222.
var corps = sandbox.Options{
	CorpID: "ding000", AgentID: "9001",
	Apps: []sandbox.Account{
		{AppKey: "dingkeya", AppSecret: "secret-a", CorpID: "ding111", AgentID: "1001"},
		{AppKey: "dingkeyb", AppSecret: "secret-b", CorpID: "ding222", AgentID: "2001"},
		{AppKey: "dingkeyc", AppSecret: "secret-c", CorpID: "ding111", AgentID: "1002"},
	},
}

const (
	tenantA = "\t\ttenant ding111 1001 {\n\t\t\timport app2\n\t\t}\n"
	tenantB = "\t\ttenant ding222 2001 {\n\t\t\timport app3\n\t\t}\n"
	tenantC = "\t\ttenant ding111 1002 {\n\t\t\timport app4\n\t\t}\n"
)

// tenantSite is a site whose directive has those lines.
func tenantSite(host, lines string) string {
	return "http://" + host + ":PORT {\n\tdingtalk {\n" + lines + "\t}\n\treverse_proxy UPSTREAM\n}\n"
}

// tenantsOf are sites with two tenants, with three, with a default one, with one on a host
// of its own, and with other lines.
var tenantSites = tenantSite("h5.test", "\t\timport bases\n"+tenantA+tenantB) +
	tenantSite("three.test", "\t\timport bases\n"+tenantA+tenantB+tenantC) +
	tenantSite("default.test", "\t\timport app\n"+tenantA) +
	"http://a.test:PORT, http://b.test:PORT {\n\tdingtalk {\n\t\timport bases\n" + tenantA + strings.Replace(tenantB, "import", "host b.test\n\t\t\timport", 1) + "\t}\n\treverse_proxy UPSTREAM\n}\n" +
	tenantSite("own.test", "\t\timport bases\n\t\tjs_api_list all.of.them\n\t\thash sha1\n"+tenantA+strings.Replace(tenantB, "import", "hash sha256\n\t\t\tjs_api_list its.own\n\t\t\ttype 1\n\t\t\timport", 1)) +
	tenantSite("plain.test", "\t\timport app\n")

func TestWhichTenantSignsAPage(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps})
	for name, tt := range map[string]struct {
		where   string // host and target
		headers []string
		want    string
	}{
		"corp and agent":                          {"h5.test/p?corpid=ding111&agentid=1001", nil, "ding111/1001 query"},
		"a corp":                                  {"h5.test/p?CorpId=ding222", nil, "ding222/2001 query"},
		"an agent":                                {"h5.test/p?agentid=2001", nil, "ding222/2001 query"},
		"an encoded corp":                         {"h5.test/p?corpid=%64ing111", nil, "ding111/1001 query"},
		"another case":                            {"h5.test/p?corpid=DING111", nil, "tenant_unknown"},
		"two corps":                               {"h5.test/p?corpid=ding111&corpid=ding222", nil, "tenant_unknown"},
		"an agent of the other corp":              {"h5.test/p?corpid=ding111&agentid=2001", nil, "tenant_unknown"},
		"nothing":                                 {"h5.test/p", nil, "tenant_ambiguous"},
		"a corp with two apps":                    {"three.test/p?corpid=ding111", nil, "tenant_ambiguous"},
		"a corp with two apps, one named":         {"three.test/p?corpid=ding111&agentid=1002", nil, "ding111/1002 query"},
		"nothing, with a default":                 {"default.test/p", nil, "ding000/9001 default"},
		"a stranger, with a default":              {"default.test/p?corpid=ding999", nil, "tenant_unknown"},
		"the page before":                         {"h5.test/q", []string{"Referer", "http://h5.test:PORT/p?corpid=ding111"}, "ding111/1001 referer"},
		"a page before of another site":           {"h5.test/q", []string{"Referer", "http://evil.test/p?corpid=ding111"}, "tenant_ambiguous"},
		"a page before of another port":           {"h5.test/q", []string{"Referer", "http://h5.test/p?corpid=ding111"}, "tenant_ambiguous"},
		"a page before of a longer host":          {"h5.test/q", []string{"Referer", "http://h5.test:PORT.evil.test/p?corpid=ding111"}, "tenant_ambiguous"},
		"the cookie":                              {"h5.test/q", []string{"Cookie", "a=b; dingtalk_tenant=ding222.2001; c=d"}, "ding222/2001 cookie"},
		"the page before and another cookie":      {"h5.test/q", []string{"Referer", "http://h5.test:PORT/p?corpid=ding111", "Cookie", "dingtalk_tenant=ding222.2001"}, "ding111/1001 referer"},
		"a query, and both others":                {"h5.test/q?corpid=ding222", []string{"Referer", "http://h5.test:PORT/p?corpid=ding111", "Cookie", "dingtalk_tenant=ding111.1001"}, "ding222/2001 query"},
		"the cookie of a stranger":                {"h5.test/q", []string{"Cookie", "dingtalk_tenant=ding999.1"}, "tenant_unknown"},
		"a broken cookie":                         {"h5.test/q", []string{"Cookie", "dingtalk_tenant=%%%"}, "tenant_ambiguous"},
		"a cookie of 8 KiB":                       {"h5.test/q", []string{"Cookie", "dingtalk_tenant=" + strings.Repeat("x", 8192)}, "tenant_ambiguous"},
		"a broken cookie, with a default":         {"default.test/q", []string{"Cookie", "dingtalk_tenant=."}, "ding000/9001 default"},
		"another's corp at a host of its own":     {"b.test/p?corpid=ding111", nil, "tenant_unknown"},
		"nothing at a host of its own":            {"b.test/p", nil, "ding222/2001 only"},
		"nothing at the other host":               {"a.test/p", nil, "ding111/1001 only"},
		"the corp of a host of its own elsewhere": {"a.test/p?corpid=ding222", nil, "tenant_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			host, target, _ := strings.Cut(tt.where, "/")
			headers := slices.Clone(tt.headers)
			for i := range headers {
				headers[i] = strings.ReplaceAll(headers[i], "PORT", s.Port)
			}
			a := s.Get(t, s.At(host)+"/"+target, headers...)
			got := a.Snippet(t)
			if a.Status != http.StatusOK || got == nil || got.Tenant() != tt.want {
				t.Fatalf("%d %+v, want %s", a.Status, got, tt.want)
			}
			if got.Sidecar.Error != nil {
				if string(got.Config) != "null" || a.Header.Get("Set-Cookie") != "" || a.Without(t) != testsite.Page || got.Sidecar.Error.Message == "" {
					t.Errorf("%v %s %s", a.Header, got.Config, a.Body)
				}
				return
			}
			s.ExpectSigned(t, a, s.At(host)+"/"+target)
			if p := got.Params(t); p.CorpID+"/"+p.AgentID != strings.Fields(tt.want)[0] {
				t.Errorf("signed for %s/%s", p.CorpID, p.AgentID)
			}
		})
	}
}

func TestWithoutTenantsNothingOfThemShows(t *testing.T) {
	var seen http.Header
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		testsite.ServePage(w, r)
	})})
	const cookie = "dingtalk_tenant=ding111.1001"
	a := s.Get(t, s.At("plain.test")+"/p?corpid=ding999", "Cookie", cookie)
	s.ExpectSigned(t, a, s.At("plain.test")+"/p?corpid=ding999")
	if strings.Contains(a.Body, "tenant\"") || a.Header.Get("Set-Cookie") != "" || seen.Get("Cookie") != cookie {
		t.Errorf("%v, cookie %s: %s", a.Header, seen.Get("Cookie"), a.Body)
	}
	if s.Get(t, s.At("h5.test")+"/p?corpid=ding111", "Cookie", "a=b; "+cookie+" ; c=d"); seen.Get("Cookie") != "a=b; c=d" {
		t.Errorf("upstream sees %q", seen.Get("Cookie"))
	}
	for _, ask := range []string{"/a.png", "/.dingtalkx"} {
		if s.Fetch(t, http.MethodGet, s.At("h5.test")+ask, "", "Cookie", cookie); seen["Cookie"] != nil {
			t.Errorf("%s: upstream sees %q", ask, seen.Get("Cookie"))
		}
	}
}

func TestTheCookieIsSetWhereAQueryHasDecided(t *testing.T) {
	sites := tenantSites + tenantSite("tls.test", "\t\timport bases\n\t\tpublic_origin https://tls.test\n"+tenantA+tenantB)
	s := testsite.Run(t, testsite.Setup{Sites: sites, DingTalk: corps, Upstream: tagged(new(condition))})
	h5 := s.At("h5.test")
	const page = "/p?corpid=ding222"
	for name, tt := range map[string]struct{ got, want string }{
		"http":                {s.Get(t, h5+page).Header.Get("Set-Cookie"), "dingtalk_tenant=ding222.2001; Path=/; HttpOnly; SameSite=Lax"},
		"https":               {s.Get(t, s.At("tls.test")+page).Header.Get("Set-Cookie"), "dingtalk_tenant=ding222.2001; Path=/; HttpOnly; Secure; SameSite=None"},
		"another one before":  {s.Get(t, h5+page, "Cookie", "dingtalk_tenant=ding111.1001").Header.Get("Set-Cookie"), "dingtalk_tenant=ding222.2001; Path=/; HttpOnly; SameSite=Lax"},
		"the same before":     {s.Get(t, h5+page, "Cookie", "dingtalk_tenant=ding222.2001").Header.Get("Set-Cookie"), ""},
		"decided by a cookie": {s.Get(t, h5+"/q", "Cookie", "dingtalk_tenant=ding222.2001").Header.Get("Set-Cookie"), ""},
		"a default":           {s.Get(t, s.At("default.test")+"/q").Header.Get("Set-Cookie"), ""},
		"unsigned":            {s.Get(t, h5+"/p?corpid=ding9").Header.Get("Set-Cookie"), ""},
		"a script asks":       {s.Fetch(t, http.MethodGet, h5+page, "").Header.Get("Set-Cookie"), ""},
		"HEAD":                {s.Do(t, http.MethodHead, h5+page, "", testsite.DocumentHeader()).Header.Get("Set-Cookie"), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", name, tt.got, tt.want)
		}
	}
	tag := s.Get(t, h5+page).Header.Get("Etag")
	if a := s.Get(t, h5+page, "If-None-Match", tag); a.Status != http.StatusNotModified || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a page that is kept: %d %v", a.Status, a.Header)
	}
}

func TestTheTagOfAPageNamesItsTenant(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps, Upstream: tagged(new(condition))})
	at := s.At("h5.test") + "/q"
	cookie := func(corp string) []string { return []string{"Cookie", "dingtalk_tenant=" + corp} }
	of := func(corp string) string { return s.Get(t, at, cookie(corp)...).Header.Get("Etag") }
	a, b := of("ding111.1001"), of("ding222.2001")
	if a == b || a == "" || a != of("ding111.1001") {
		t.Fatalf("tags %s and %s", a, b)
	}
	for _, tt := range []struct {
		tag, corp string
		status    int
	}{{a, "ding111.1001", http.StatusNotModified}, {a, "ding222.2001", http.StatusOK}, {b, "ding222.2001", http.StatusNotModified}, {a, "ding9.1", http.StatusOK}} {
		if got := s.Get(t, at, append(cookie(tt.corp), "If-None-Match", tt.tag)...); got.Status != tt.status {
			t.Errorf("%s with the tag %s: %d, want %d", tt.corp, tt.tag, got.Status, tt.status)
		}
	}
}

func TestManyPagesOfTwoTenantsAreNeverMixedUp(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps})
	var all sync.WaitGroup
	pages := make([]*testsite.Answer, 1000)
	next := make(chan int)
	for range 50 {
		all.Go(func() {
			for i := range next {
				pages[i] = s.Get(t, fmt.Sprintf("%s/p?corpid=%s&n=%d", s.At("h5.test"), []string{"ding111", "ding222"}[i%2], i))
			}
		})
	}
	for i := range pages {
		next <- i
	}
	close(next)
	all.Wait()
	for i, a := range pages {
		corp := []string{"ding111", "ding222"}[i%2]
		got := s.ExpectSigned(t, a, fmt.Sprintf("%s/p?corpid=%s&n=%d", s.At("h5.test"), corp, i))
		if got.Params(t).CorpID != corp || !strings.HasPrefix(a.Header.Get("Set-Cookie"), "dingtalk_tenant="+corp+".") {
			t.Fatalf("page %d is of %s, cookie %s", i, got.Params(t).CorpID, a.Header.Get("Set-Cookie"))
		}
	}
}

func TestLinesOfATenantCountForItAlone(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps})
	for corp, want := range map[string]string{"ding111": "0 [all.of.them] sha1", "ding222": "1 [its.own] sha256"} {
		url := s.At("own.test") + "/p?corpid=" + corp
		got := s.Get(t, url).Snippet(t)
		p := got.Params(t)
		v := s.Ding.Verify(sandbox.ConfigParams{AgentID: p.AgentID, CorpID: p.CorpID, TimeStamp: p.TimeStamp, NonceStr: p.NonceStr, Signature: p.Signature, JSAPIList: p.JSAPIList}, url)
		if got := fmt.Sprintf("%s %v %s", p.Type, p.JSAPIList, v.Hash); got != want {
			t.Errorf("%s: %s, want %s", corp, got, want)
		}
	}
}

func TestConfigAnswersForATenant(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps})
	h5 := s.At("h5.test")
	for name, tt := range map[string]struct {
		site, query, page string
		headers           []string
		want              string // corp, or status and code
	}{
		"parameters":                      {"h5.test", "corpid=ding222&agentid=2001&", "/p", nil, "ding222"},
		"parameters in another case":      {"h5.test", "CORP_ID=ding222&", "/p", nil, "ding222"},
		"the URL's query":                 {"h5.test", "", "/p?corpid=ding111", nil, "ding111"},
		"both":                            {"h5.test", "corpid=ding111&", "/p?corpid=ding111", nil, "ding111"},
		"one each":                        {"three.test", "corpid=ding111&", "/p?agentid=1002", nil, "ding111"},
		"the page's own, not its cookie":  {"h5.test", "", "/p?corpid=ding111", []string{"Cookie", "dingtalk_tenant=ding222.2001"}, "ding111"},
		"the page before":                 {"h5.test", "", "/q", []string{"Referer", h5 + "/p?corpid=ding222"}, "ding222"},
		"the cookie":                      {"h5.test", "", "/q", []string{"Cookie", "dingtalk_tenant=ding222.2001", "Sec-Fetch-Site", "same-origin"}, "ding222"},
		"a parameter before the cookie":   {"h5.test", "agentid=1001&", "/q", []string{"Cookie", "dingtalk_tenant=ding222.2001"}, "ding111"},
		"the default":                     {"default.test", "", "/q", nil, "ding000"},
		"a host of its own":               {"b.test", "", "/q", nil, "ding222"},
		"another's at a host of its own":  {"b.test", "corpid=ding111&", "/q", nil, "403 tenant_unknown"},
		"a stranger":                      {"h5.test", "corpid=ding9&", "/q", nil, "403 tenant_unknown"},
		"a stranger in the URL":           {"default.test", "", "/q?corpid=ding9", nil, "403 tenant_unknown"},
		"nothing":                         {"h5.test", "", "/q", nil, "400 tenant_ambiguous"},
		"a corp with two apps":            {"three.test", "corpid=ding111&", "/q", nil, "400 tenant_ambiguous"},
		"another than the URL's":          {"h5.test", "corpid=ding222&", "/p?corpid=ding111", nil, "400 tenant_conflict"},
		"another agent than the URL's":    {"three.test", "corpid=ding111&agentid=1002&", "/p?agentid=1001", nil, "400 tenant_conflict"},
		"a foreign URL":                   {"h5.test", "corpid=ding111&", "FOREIGN", nil, "403 origin_not_allowed"},
		"two corps":                       {"h5.test", "corpid=ding111&corpid=ding222&", "/p", nil, "403 tenant_unknown"},
		"a cookie of a call from outside": {"h5.test", "", "/q", []string{"Cookie", "dingtalk_tenant=ding222.2001", "Origin", "https://evil.test"}, "403 origin_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			page := s.At(tt.site) + tt.page
			if tt.page == "FOREIGN" {
				page = "https://evil.test/p?corpid=ding111"
			}
			a := s.Fetch(t, http.MethodGet, s.At(tt.site)+"/.dingtalk/config?"+tt.query+"url="+url.QueryEscape(page), "", tt.headers...)
			if code, refused := strings.CutPrefix(tt.want, fmt.Sprint(a.Status)+" "); refused {
				testsite.ExpectRefusal(t, a, a.Status, code)
				return
			}
			s.ExpectConfig(t, a, page)
			var p sandbox.ConfigParams
			if err := json.Unmarshal([]byte(a.Body), &p); err != nil || p.CorpID != tt.want {
				t.Errorf("for %s, want %s, %v", p.CorpID, tt.want, err)
			}
		})
	}
	a := s.Fetch(t, http.MethodGet, h5+"/.dingtalk/config?url="+h5+"/p?x=1&corpid=ding111", "")
	testsite.ExpectRefusal(t, a, http.StatusBadRequest, "bad_url") // the URL has lost its corpid
}

func TestAReportMakesTheTicketOfItsTenantSuspectAlone(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: tenantSites, DingTalk: corps})
	h5 := s.At("h5.test")
	for _, corp := range []string{"ding111", "ding222"} {
		s.ExpectSigned(t, s.Get(t, h5+"/p?corpid="+corp), h5+"/p?corpid="+corp)
	}
	report := func(corp, agent string) *testsite.Answer {
		body := fmt.Sprintf(`{"url":"%s/q","signed":"%[1]s/q","code":52013,"message":"","corpId":%q,"agentId":%s}`, h5, corp, agent)
		return s.Fetch(t, http.MethodPost, h5+"/.dingtalk/report", body, "Origin", h5, "Sec-Fetch-Site", "same-origin")
	}
	tickets := func() [2]int {
		return [2]int{s.Ding.CallsFor("ding111")["v1.ticket"], s.Ding.CallsFor("ding222")["v1.ticket"]}
	}
	// The start fetches a ticket for each of the four apps, the third of them of ding111, too.
	testsite.Eventually(t, "the tickets of all apps", func() bool { return tickets() == [2]int{2, 1} })
	before := tickets()
	for _, stranger := range [][2]string{{"ding111", "9"}, {"ding999", "1001"}, {"", `"9"`}} {
		if got := report(stranger[0], stranger[1]); got.Status != http.StatusNoContent {
			t.Errorf("a report of %v: %d %s", stranger, got.Status, got.Body)
		}
	}
	if got := tickets(); got != before {
		t.Errorf("reports of strangers make %v tickets of %v", got, before)
	}
	if got := report("ding111", "1001"); got.Status != http.StatusNoContent {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	if got, want := tickets(), [2]int{before[0] + 1, before[1]}; got != want {
		t.Errorf("%v calls for tickets, want %v", got, want)
	}
}
