package doctor

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// followed applies lines to add as their reader would: trust, and the lines of the
// directive. hosts are the hosts that are ours then.
func followed(r Request, s Settings, lines []Line) (Request, Settings) {
	for _, line := range lines {
		if strings.Contains(line.Text, "trusted_proxies") {
			r.Trusted = true
		}
		for setting := range strings.SplitSeq(line.Text, "\n") {
			words := strings.Fields(setting)
			if len(words) == 0 {
				continue
			}
			switch words[0] {
			case "forwarded":
				s.Forwarded = words[1:]
			case "public_host":
				s.PublicHost = words[1:]
			case "public_origin":
				if !strings.HasPrefix(line.Note.EN, "instead") {
					s.Public = origins(words[1:]...)
				}
			}
		}
	}
	return r, s
}

// signs reports whether a page at Asked is signed, for the URL that the browser shows.
func signs(r Request, s Settings) bool {
	page, err := r.page(signer.NewRules(s.Public, s.Forwarded), r.believed(false))
	return err == nil && page.URL() == r.Asked && (page.Public || r.Vouched || slices.Contains(s.PublicHost, page.Origin.Host))
}

// TestACureLeadsToAPageThatIsSigned, and not to the next error: a trusted proxy is
// believed, but does not vouch for what it passes on.
func TestACureLeadsToAPageThatIsSigned(t *testing.T) {
	told := func(r Request) *signer.Ignored {
		page, err := signer.ParseURL(r.Asked)
		if err != nil {
			t.Fatal(err)
		}
		return &signer.Ignored{Peer: r.Peer, Headers: []string{"X-Forwarded-Proto: https"}, Origin: page.Origin, Vouched: r.Vouched}
	}
	unvouched := func(r Request) Request {
		r = r.unvouched()
		r.Unknown = &signer.Error{Reason: signer.Unvouched, Subject: "http://h5.test"}
		if !r.Trusted && len(r.Header) > 0 {
			r.Unknown.Ignored = told(r)
		}
		return r
	}
	for name, test := range map[string]struct {
		request  Request
		settings Settings
		words    []string
		not      []string
	}{
		"a mismatch, the proxy is not trusted, the host is ours": {
			arrived("X-Forwarded-Proto", "https"), Settings{}, []string{"trusted_proxies"}, []string{"public_host", "public_origin"}},
		"a mismatch, the proxy names the host and is not trusted": {
			arrived("X-Forwarded-Proto", "https", "X-Forwarded-Host", "h5.test").host("10.0.0.1:8080").unvouched(), Settings{},
			[]string{"trusted_proxies", "public_host h5.test"}, nil},
		"a mismatch, other hosts are named already": {
			arrived("X-Forwarded-Proto", "https", "X-Forwarded-Host", "h5.test").host("a.test").unvouched(), Settings{PublicHost: []string{"a.test"}},
			[]string{"public_host a.test h5.test"}, nil},
		"a mismatch, a lone star believes the proxy": {
			arrived("X-Forwarded-Proto", "https", "X-Forwarded-Host", "h5.test").host("10.0.0.1:8080").unvouched(), Settings{PublicHost: []string{"*", "h5.test"}},
			[]string{"trusted_proxies"}, []string{"public_host"}},
		"a mismatch, a header that is not named holds the host": {
			arrived("Forwarded", "proto=https;host=h5.test").trusted().host("10.0.0.1:8080").unvouched(), Settings{},
			[]string{"forwarded Forwarded", "public_host h5.test"}, []string{"trusted_proxies"}},
		"nobody vouches, and the proxy is not trusted": {
			unvouched(arrived("X-Forwarded-Proto", "https")), Settings{},
			[]string{"10.0.0.5 sends X-Forwarded-Proto: https but is not trusted", "trusted_proxies static private_ranges", "if h5.test is this site, name it in public_host", "https://h5.test in public_origin"},
			[]string{"http://h5.test"}},
		"nobody vouches, and the proxy is trusted": {
			unvouched(arrived("X-Forwarded-Proto", "https").trusted()), Settings{}, []string{"https://h5.test is this site", "public_origin"}, []string{"trusted_proxies"}},
		"nobody vouches, and nothing is sent": {
			unvouched(arrived()), Settings{}, []string{"https://h5.test is this site", "public_origin"}, []string{"trusted_proxies"}},
		"nobody vouches, and other origins are public": {
			unvouched(arrived("X-Forwarded-Proto", "https").trusted()), Settings{Public: origins("https://a.test", "https://b.test")},
			[]string{"https://h5.test is this site", "public_origin"}, []string{"trusted_proxies"}},
	} {
		t.Run(name, func(t *testing.T) {
			facts := Facts{Page: Page{URL: test.request.Asked}, Request: test.request, Settings: test.settings}
			if test.request.Unknown == nil {
				facts.Page.Signed = test.request.rebuilt(test.settings, change{})
			}
			d := Examine(facts)
			expectWords(t, d.Verdict(), test.words, test.not)
			if r, s := followed(test.request, test.settings, d.Lines); !signs(r, s) {
				t.Errorf("who follows it has pages that are not signed: %+v", d.Lines)
			}
		})
	}
}

// TestTheHostThatTheProxyHides is not found by a list of public origins: it must be
// passed on, too.
func TestTheHostThatTheProxyHides(t *testing.T) {
	r := arrived("X-Forwarded-Proto", "https").trusted().host("app:3000").unvouched()
	r.Unknown = &signer.Error{Reason: signer.NotPublic, Subject: "app"}
	d := Examine(Facts{Page: Page{URL: r.Asked}, Request: r, Settings: Settings{Public: origins("https://a.test", "https://b.test")}})
	expectWords(t, d.Verdict(), []string{"https://h5.test is this site", "public_origin", passHost}, nil)

	d = Examine(Facts{Page: Page{URL: r.Asked, Signed: "https://app:3000/p"}, Request: r})
	expectWords(t, d.Verdict(), []string{passHost, "public_host h5.test"}, nil)
}

func TestWhatIsSaidOfAPeerThatIsNotTrusted(t *testing.T) {
	told := signer.Ignored{Peer: "127.0.0.1", Headers: []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: h5.test"}, Origin: origins("https://h5.test:8443")[0]}
	for name, test := range map[string]struct {
		change     func(*signer.Ignored)
		words, not []string
	}{
		"a proxy on this machine": {func(*signer.Ignored) {},
			[]string{"127.0.0.1 sends X-Forwarded-Proto: https, X-Forwarded-Host: h5.test but is not trusted", "if h5.test is this site, name it in public_host", "https://h5.test:8443 in public_origin"}, []string{"public_host h5.test", "public_origin https"}},
		"somebody vouches already": {func(i *signer.Ignored) { i.Vouched = true }, []string{"trusted_proxies"}, []string{"public_host", "public_origin"}},
		"a Unix socket":            {func(i *signer.Ignored) { i.Peer = "@" }, []string{"the Unix socket sends", "trusted_proxies_unix"}, []string{"@"}},
		"an address that anybody may have": {func(i *signer.Ignored) { i.Peer = "203.0.113.7" },
			[]string{"203.0.113.7 sends", "if it is your proxy"}, []string{"trusted_proxies static"}},
	} {
		t.Run(name, func(t *testing.T) {
			i := told
			test.change(&i)
			text := Refusal(&signer.Error{Reason: signer.Unvouched, Subject: "http://h5.test:8443", Ignored: &i})
			expectWords(t, Finding{Text: text}, test.words, append(test.not, "http://"))
			if text.ZH == text.EN || !strings.Contains(text.ZH, "不受信任") {
				t.Errorf("in Chinese: %s", text.ZH)
			}
		})
	}
}
