package tenant

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

// directive makes the chooser of tenants written `corp/agent [host,host] [path]`; the first
// is the default tenant where it begins with a star.
func directive(t testing.TB, suites bool, tenants ...string) *chooser {
	t.Helper()
	c := &chooser{corps: suites}
	for _, text := range tenants {
		words := strings.Fields(text)
		name, own := strings.CutPrefix(words[0], "*")
		corp, agent, _ := strings.Cut(name, "/")
		block := &config.Tenant{CorpID: corp, AgentID: agent}
		for _, word := range words[1:] {
			if strings.HasPrefix(word, "/") {
				block.Path = append(block.Path, word)
			} else {
				block.Host = strings.Split(word, ",")
			}
		}
		if own {
			block = nil
		}
		if err := c.add(&Tenant{Page: client.App{CorpID: corp, AgentID: agent}}, block); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// outcome writes what a chooser has chosen.
func outcome(t *Tenant, by string, why Reason, open bool) string {
	text := ""
	switch {
	case t != nil:
		text = strings.TrimSpace(t.Page.CorpID + "/" + t.Page.AgentID + " " + by)
	default:
		text = map[Reason]string{Unknown: "unknown", Ambiguous: "ambiguous"}[why]
	}
	if t == nil && open {
		text += " open"
	}
	return text
}

func TestWhichTenantAPageIsFor(t *testing.T) {
	two := []string{"ding111/1001", "ding222/2001"}
	apps := []string{"ding111/1001", "ding111/1002", "ding222/1001"}
	hosts := []string{"*ding000/1", "ding111/1001", "ding222/2001 b.test,*.b.test", "ding333/3001 b.test /crm/*", "ding444/4001 /shop/*"}
	for name, tt := range map[string]struct {
		tenants []string
		suites  bool
		at      string // host and target; h.test/p where it is ""
		query   string
		want    string
	}{
		"corp and agent":                              {two, false, "", "corpid=ding111&agentid=1001", "ding111/1001"},
		"a corp in another case of the name":          {two, false, "", "CorpId=ding222", "ding222/2001"},
		"names with underscores":                      {two, false, "", "corp_id=ding222&AGENT_ID=2001", "ding222/2001"},
		"an agent alone":                              {two, false, "", "agentid=2001", "ding222/2001"},
		"an encoded value":                            {two, false, "", "corpid=%64ing111", "ding111/1001"},
		"an encoded name":                             {two, false, "", "corp%69d=ding111", "ding111/1001"},
		"a value that is encoded twice":               {two, false, "", "corpid=%2564ing111", "unknown"},
		"a malformed value":                           {two, false, "", "corpid=ding111%", "unknown"},
		"another case of the value":                   {two, false, "", "corpid=DING111", "unknown"},
		"a space before the value":                    {two, false, "", "corpid=+ding111", "unknown"},
		"one value twice":                             {two, false, "", "corpid=ding111&corpid=ding111", "ding111/1001"},
		"one value under both names":                  {two, false, "", "corpid=ding111&corp_id=ding111", "ding111/1001"},
		"two values":                                  {two, false, "", "corpid=ding111&corpid=ding222", "unknown"},
		"two values under two names":                  {two, false, "", "corpid=ding111&CORP_ID=ding222", "unknown"},
		"two agents":                                  {two, false, "", "agentid=1001&agent_id=2001", "unknown"},
		"an agent of another corp":                    {two, false, "", "corpid=ding111&agentid=2001", "unknown"},
		"an empty value beside one":                   {two, false, "", "corpid=&corpid=ding111", "ding111/1001"},
		"what the workbench has not replaced":         {two, false, "", "corpid=$CORPID$&agentid=2001", "ding222/2001"},
		"what it has not replaced, encoded":           {two, false, "", "corpid=%24CORPID%24&agentid=%24AGENTID%24", "ambiguous"},
		"nothing":                                     {two, false, "", "x=1&corp=ding111&xcorpid=ding111", "ambiguous"},
		"nothing, where there is one":                 {two[:1], false, "", "", "ding111/1001 only"},
		"nothing, where there is one beside a suite":  {two[:1], true, "", "", "ambiguous"},
		"nothing, where there is only a suite":        {nil, true, "", "", "ambiguous"},
		"nothing, where there is a default":           {[]string{"*ding000/1", "ding111/1001"}, false, "", "", "ding000/1 default"},
		"nothing, with a default beside a suite":      {[]string{"*ding000/1"}, true, "", "", "ding000/1 default"},
		"the default by its name":                     {[]string{"*ding000/1", "ding111/1001"}, false, "", "corpid=ding000", "ding000/1"},
		"a stranger where there is a default":         {[]string{"*ding000/1", "ding111/1001"}, false, "", "corpid=ding999", "unknown"},
		"a stranger where there is one":               {two[:1], false, "", "corpid=ding999", "unknown"},
		"two values where there is a default":         {[]string{"*ding000/1"}, false, "", "corpid=ding000&corpid=ding111", "unknown"},
		"a stranger beside a suite":                   {two, true, "", "corpid=ding999", "unknown open"},
		"another agent beside a suite":                {two, true, "", "corpid=ding111&agentid=7", "unknown open"},
		"two values beside a suite":                   {two, true, "", "corpid=ding998&corpid=ding999", "unknown"},
		"a corp with two apps":                        {apps, false, "", "corpid=ding111", "ambiguous"},
		"a corp with two apps, one named":             {apps, false, "", "corpid=ding111&agentid=1002", "ding111/1002"},
		"an agent that two corps have":                {apps, false, "", "agentid=1001", "ambiguous"},
		"a host of its own":                           {hosts, false, "b.test/p", "", "ding222/2001 only"},
		"a host of its own, with a port":              {hosts, false, "b.test:8443/p", "", "ding222/2001 only"},
		"a host of its own, in another case":          {hosts, false, "B.Test/p", "", "ding222/2001 only"},
		"a pattern of hosts":                          {hosts, false, "x.b.test/p", "", "ding222/2001 only"},
		"a host and a path of their own":              {hosts, false, "b.test/crm/x", "", "ambiguous"},
		"a host and a path, with a name":              {hosts, false, "b.test/crm/x", "corpid=ding333", "ding333/3001"},
		"the path under another host":                 {hosts, false, "h.test/crm/x", "", "ding000/1 default"},
		"somebody else's corp at a host of its own":   {hosts, false, "b.test/p", "corpid=ding111", "unknown"},
		"the default's corp at a host of its own":     {hosts, false, "b.test/p", "corpid=ding000", "unknown"},
		"a suite's corp at a host of its own":         {hosts, true, "b.test/p", "corpid=ding999", "unknown"},
		"nothing at a host of its own, with a suite":  {hosts, true, "b.test/p", "", "ambiguous"},
		"a path of its own":                           {hosts, false, "h.test/shop/1", "", "ding444/4001 only"},
		"a path of its own, before its query":         {hosts, false, "h.test/shop/1?/", "", "ding444/4001 only"},
		"a path of its own, encoded":                  {hosts, false, "h.test/%73hop/1", "", "ding444/4001 only"},
		"a path that an upstream may take for one":    {hosts, false, "h.test/shop;x/1", "", "ambiguous"},
		"the same, encoded":                           {hosts, false, "h.test/shop%3bx/1", "", "ambiguous"},
		"the same, with a name":                       {hosts, false, "h.test/shop;x/1", "corpid=ding111", "ambiguous"},
		"the way out of a path":                       {hosts, false, "h.test/shop/..;/1", "", "ambiguous"},
		"a backslash into a path":                     {hosts, false, "h.test/shop%5c1", "", "ambiguous"},
		"a parameter within a path":                   {hosts, false, "h.test/shop/1;x", "", "ding444/4001 only"},
		"a parameter outside of all paths":            {hosts, false, "h.test/p;x", "", "ding000/1 default"},
		"the corp of a host elsewhere":                {hosts, false, "h.test/p", "corpid=ding222", "unknown"},
		"any path of a host":                          {hosts, false, "b.test", "corpid=ding333", "ding333/3001"},
		"any path of a host, another's":               {hosts, false, "b.test", "corpid=ding111", "unknown"},
		"any path, of a tenant with one":              {hosts, false, "h.test", "corpid=ding444", "ding444/4001"},
		"any path, of a tenant without":               {hosts, false, "h.test", "corpid=ding111", "ding111/1001"},
		"any path, nothing named":                     {hosts, false, "h.test", "", "ding000/1 default"},
		"any path, a suite's corp":                    {hosts, true, "h.test", "corpid=ding999", "unknown open"},
		"nowhere, where all have hosts":               {[]string{"ding222/2001 b.test"}, false, "", "", "unknown"},
		"nowhere, where all have hosts, with a suite": {[]string{"ding222/2001 b.test"}, true, "", "corpid=ding9", "unknown open"},
	} {
		t.Run(name, func(t *testing.T) {
			at := tt.at
			if at == "" {
				at = "h.test/p"
			}
			host, path, slash := strings.Cut(at, "/")
			target := ""
			if slash {
				target = "/" + path
			}
			if got := outcome(directive(t, tt.suites, tt.tenants...).choose(host, target, NamesIn(tt.query))); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatACookieRemembers(t *testing.T) {
	for cookie, want := range map[string]Names{
		"ding111.1001":                         {Corp: "ding111", Agent: "1001"},
		"a-b_C.1":                              {Corp: "a-b_C", Agent: "1"},
		"":                                     {},
		"ding111":                              {},
		"ding111.":                             {},
		".1001":                                {},
		"ding111.x":                            {},
		"ding.111.1001":                        {},
		`"ding111.1001"`:                       {},
		"ding111%2e1001":                       {},
		"ding\x00111.1001":                     {},
		strings.Repeat("x", 8192) + ".1":       {},
		"ding111." + strings.Repeat("1", 8192): {},
	} {
		if got := remembered(cookie); got != want {
			t.Errorf("%.40q: %+v, want %+v", cookie, got, want)
		}
	}
}

func TestACallMustAgreeWithTheURLOfItsPage(t *testing.T) {
	for _, tt := range []struct {
		call, url string
		want      Names
		agree     bool
	}{
		{"corpid=a", "", Names{Corp: "a"}, true},
		{"corpid=a", "corpid=a&agentid=1", Names{Corp: "a", Agent: "1"}, true},
		{"agentid=1", "corpid=a", Names{Corp: "a", Agent: "1"}, true},
		{"corpid=a", "corpid=b", Names{}, false},
		{"corpid=a&agentid=1", "agentid=2", Names{}, false},
		{"corpid=a", "corpid=a&corpid=b", Names{}, false},
		{"corpid=a&corpid=b", "corpid=a", Names{Corp: "a", Twice: true}, true},
	} {
		got, agree := united(NamesIn(tt.call), NamesIn(tt.url))
		if got != tt.want || agree != tt.agree {
			t.Errorf("%s and %s: %+v %v", tt.call, tt.url, got, agree)
		}
	}
}

// FuzzChoose: whatever a query holds, the tenant that is chosen is the one it names, and a
// query that names nobody chooses nobody but the default.
func FuzzChoose(f *testing.F) {
	for _, seed := range []string{"corpid=ding111", "corpid=ding111&corpid=ding222", "CORP_ID=%64ing111&agentid=1001", "a=b&&=&corpid", "corpid=$CORPID$&agentid=%24AGENTID%24", "corpid=%&agentid=+"} {
		f.Add(seed, "b.test", "/crm/x")
	}
	plain := directive(f, false, "*ding000/1", "ding111/1001", "ding111/1002", "ding222/1001")
	scoped := directive(f, true, "ding111/1001", "ding222/2001 b.test", "ding333/3001 /crm/*")
	f.Fuzz(func(t *testing.T, query, host, target string) {
		n := NamesIn(query)
		corps, agents := valuesOf(query, "corpid", "corp_id"), valuesOf(query, "agentid", "agent_id")
		if twice := len(corps) > 1 || len(agents) > 1; n.Twice != twice {
			t.Fatalf("%q: %+v, but %v %v", query, n, corps, agents)
		}
		for _, c := range []*chooser{plain, scoped} {
			found, by, _, _ := c.choose(host, target, n)
			if found == nil {
				continue
			}
			corp, agent := found.Page.CorpID, found.Page.AgentID
			switch {
			case n.Twice:
				t.Fatalf("%q chooses %s", query, corp)
			case len(corps) == 1 && !corps[corp], len(agents) == 1 && !agents[agent]:
				t.Fatalf("%q names %v %v and chooses %s/%s", query, corps, agents, corp, agent)
			case n.None() && (by == "" || c == scoped):
				t.Fatalf("%q names nobody and chooses %s/%s by %s", query, corp, agent, by)
			}
		}
	})
}

// valuesOf returns the values of names in a query, as a form's decoder reads them.
func valuesOf(query string, names ...string) map[string]bool {
	values := make(map[string]bool)
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		for _, n := range names {
			if strings.EqualFold(name, n) && value != "" && value != "$CORPID$" && value != "$AGENTID$" {
				values[value] = true
			}
		}
	}
	return values
}

const ordinary = "/crm/customers?id=20260123&tab=orders&from=workbench&dd_full_screen=true"

func TestChoosingAllocatesNothing(t *testing.T) {
	c := directive(t, false, "*ding000/1", "ding111/1001")
	for _, target := range []string{ordinary, ordinary + "&corpid=ding111&agentid=1001"} {
		if n := testing.AllocsPerRun(100, func() { c.choose("h5.example.com", target, NamesIn(queryOf(target))) }); n != 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
	}
}

func BenchmarkChoose(b *testing.B) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("ding%d/%d", i, i))
	}
	for name, c := range map[string]*chooser{
		"one of 2": directive(b, false, "*ding0/0", "ding1/1"), "one of 1000": directive(b, false, append([]string{"*ding/0"}, many...)...),
	} {
		for what, target := range map[string]string{"named": ordinary + "&corpid=ding1", "not named": ordinary} {
			b.Run(name+", "+what, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.choose("h5.example.com", target, NamesIn(queryOf(target)))
				}
			})
		}
	}
}
