package signer

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// recipe is a configuration under which a proxy's requests are read.
type recipe struct {
	public    bool // public_origin names the page's origin
	trusted   bool // trusted_proxies names the proxy
	forwarded []string
}

// recipes are the rules of the table in words of the configuration. Each of
// them believes X-Forwarded-Host wherever the proxy sends it.
var recipes = map[string]recipe{
	"direct: own TLS state + Host + request-target":            {},
	"X-Forwarded-Proto + Host + request-target":                {trusted: true},
	"X-Forwarded-Proto + X-Forwarded-Host + request-target":    {trusted: true},
	"Forwarded (proto, host) + request-target":                 {trusted: true, forwarded: []string{"Forwarded"}},
	"configured public origin + request-target":                {public: true},
	"configured public origin + original-URI header":           {public: true, trusted: true, forwarded: originalURI},
	"X-Forwarded-Proto + X-Forwarded-Host|Host + " + originals: {trusted: true, forwarded: originalURI},
	prefixRule: {trusted: true, forwarded: []string{"X-Forwarded-Prefix"}},
	prefixRule + ", exact only where the path needs no normalisation": {trusted: true, forwarded: []string{"X-Forwarded-Prefix"}},
}

const (
	originals  = "original-URI header (X-Original-URI / X-Forwarded-Uri)"
	prefixRule = "X-Forwarded-Proto + X-Forwarded-Host + X-Forwarded-Prefix + request-target"
)

var originalURI = []string{"X-Original-URI", "X-Forwarded-Uri"}

// hopeless are the ways in which the table says that no rule helps.
var hopeless = []string{
	"none of the server-side rules; the page must compare and ask again",
	"request refused: 400 Bad Request",
}

// url returns what the recipe makes of the row, "" where that is no page.
func (c recipe) url(t *testing.T, row proxyRow) string {
	t.Helper()
	var public []Origin
	if c.public {
		own, err := ParseURL(row.Href)
		if err != nil {
			t.Fatalf("%s %s: %v", row.Name, row.Href, err)
		}
		public = []Origin{own.Origin}
	}
	req := Request{TLS: row.TLS, Host: *row.Host, Target: *row.Target}
	if c.trusted {
		req.Forwarded = row.Headers
	}
	page, err := NewRules(public, c.forwarded).Page(req)
	if err != nil {
		return ""
	}
	return page.URL()
}

// A row counts for each rule that was found to solve it, and as hopeless only
// if none of ours does.
func TestProxyRecipes(t *testing.T) {
	solved, beyond, names := 0, 0, map[string]bool{}
	proofs := map[string]int{}
	rows := load[proxyRow](t, "proxy-recipes.json")
	for _, row := range rows {
		names[row.Name] = true
		href, _, _ := strings.Cut(row.Href, "#")
		if row.Recoverable == "no" {
			beyond++
			if len(row.How) != 1 || !slices.Contains(hopeless, row.How[0]) {
				t.Errorf("%s %s: lost, but how is %q", row.Name, href, row.How)
			}
			if row.Target == nil { // nothing reached Caddy
				continue
			}
			for name, c := range recipes {
				if c.url(t, row) == href {
					t.Errorf("%s %s: solved by %q after all", row.Name, href, name)
				}
			}
			continue
		}
		solved++
		for _, how := range row.How {
			c, known := recipes[how]
			if !known {
				t.Errorf("%s: unknown rule %q", row.Name, how)
				continue
			}
			proofs[how]++
			if got := c.url(t, row); got != href {
				t.Errorf("%s: %s\n got %s\nwant %s", row.Name, how, got, href)
			}
		}
		if row.Recoverable == "yes" {
			continue
		}
		for name, c := range recipes {
			if !c.public && c.url(t, row) == href {
				t.Errorf("%s %s: solved by %q after all, without a public origin", row.Name, href, name)
			}
		}
	}
	if len(rows) != 267 || solved != 226 || beyond != 41 {
		t.Errorf("%d rows, %d solved, %d only the page can tell; want 267, 226 and 41", len(rows), solved, beyond)
	}
	if len(names) != 34 {
		t.Errorf("%d recipes, want 34: %v", len(names), slices.Sorted(maps.Keys(names)))
	}
	for name := range recipes {
		if proofs[name] == 0 {
			t.Errorf("no row proves %q", name)
		}
	}
}

// The best rule of a recipe solves all of its rows that some rule solves.
func TestTheBestRuleOfEachProxyRecipe(t *testing.T) {
	proven := 0
	for _, row := range load[proxyRow](t, "proxy-recipes.json") {
		if row.Recoverable == "no" {
			continue
		}
		c, known := recipes[row.Best]
		if !known {
			t.Errorf("%s: unknown best rule %q", row.Name, row.Best)
			continue
		}
		href, _, _ := strings.Cut(row.Href, "#")
		if got := c.url(t, row); got != href {
			t.Errorf("%s: %s\n got %s\nwant %s", row.Name, row.Best, got, href)
		}
		proven++
	}
	if proven != 226 {
		t.Errorf("%d rows, want 226", proven)
	}
}
