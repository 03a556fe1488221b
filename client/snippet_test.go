package client

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

var (
	app = App{
		CorpID: "ding123", AgentID: "42", Type: 1, JSAPIList: []string{"biz.util.scan", "device.notification.alert"},
		Endpoint: "/.dingtalk", Version: "1.2.3",
	}
	signedPage   = Page{URL: "https://h5.test/p?x=1", TimeStamp: "1700000000", NonceStr: "abc", Signature: "0123"}
	unsignedPage = Page{Err: &Error{Code: "bad_url", Message: "why"}}
)

// element is a script element, as a browser's tokenizer finds it.
type element struct {
	attributes map[string]string
	text       string
}

// elements tokenizes a snippet, which must hold nothing but script elements.
func elements(t testing.TB, snippet string) (all []element) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(snippet))
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			return all
		}
		token := z.Token()
		if tt != html.StartTagToken || token.Data != "script" {
			t.Fatalf("%s %q in %s", tt, token, snippet)
		}
		e := element{attributes: make(map[string]string)}
		for _, a := range token.Attr {
			e.attributes[a.Key] = a.Val
		}
		tt = z.Next()
		if tt == html.TextToken {
			e.text = string(z.Raw())
			tt = z.Next()
		}
		if name, _ := z.TagName(); tt != html.EndTagToken || string(name) != "script" {
			t.Fatalf("a script element ends with %s in %s", tt, snippet)
		}
		all = append(all, e)
	}
}

func TestAPageThatAnswersAFormSaysSo(t *testing.T) {
	for kind, at := range map[Kind]int{Inline: 0, Whole: 0, External: 1} {
		for _, posted := range []bool{false, true} {
			page := signedPage
			page.Posted = posted
			all := elements(t, string(NewRenderer(app).Append(nil, page, Form{Kind: kind, Nonce: "abc"})))
			if _, got := all[at].attributes["data-posted"]; got != posted {
				t.Errorf("kind %d, posted %v: %v", kind, posted, all[at].attributes)
			}
		}
	}
}

// content is the data of a snippet.
type content struct {
	Config  map[string]any `json:"config"`
	Sidecar map[string]any `json:"sidecar"`
}

// dataOf returns the data in the first element of a snippet, as text and decoded.
func dataOf(t testing.TB, first element) (text string, c content) {
	t.Helper()
	text = first.text
	if first.attributes["type"] == "" {
		text = strings.TrimSuffix(strings.TrimPrefix(text, dropJSAPI), ";"+handOver)
		call := coreCall
		if strings.HasPrefix(text, coreCallOfMany[0]) {
			call = coreCallOfMany
		}
		var called, ended bool
		text, called = strings.CutPrefix(text, call[0])
		text, ended = strings.CutSuffix(text, call[1])
		if !called || !ended {
			t.Fatalf("not a call of the core: %s", first.text)
		}
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return text, c
}

func TestTheFormsOfASnippet(t *testing.T) {
	sum := sha256.Sum256([]byte(Source))
	src := "/.dingtalk/" + FileName
	block := map[string]string{"type": "application/json", "id": "dd-sidecar"}
	const jsapi = "https://g.alicdn.com/x.js?a=1&b=<\"2\">"
	tests := map[string]struct {
		form  Form
		jsapi string
		want  []map[string]string // the attributes of the elements
	}{
		"inline":                           {Form{}, "", []map[string]string{{}}},
		"inline, whole":                    {Form{Kind: Whole}, "", []map[string]string{{}}},
		"inline with a nonce":              {Form{Kind: Inline, Nonce: "n"}, "", []map[string]string{{"nonce": "n"}}},
		"inline with DingTalk's script":    {Form{Kind: Inline, Nonce: "n"}, jsapi, []map[string]string{{"nonce": "n"}, {"src": jsapi, "nonce": "n", "data-jsapi": ""}}},
		"a file of its own":                {Form{Kind: External}, "", []map[string]string{block, {"src": src}}},
		"a file of its own with a nonce":   {Form{Kind: External, Nonce: "n"}, "", []map[string]string{block, {"src": src, "nonce": "n"}}},
		"a file of its own and DingTalk's": {Form{Kind: External}, jsapi, []map[string]string{block, {"src": src}, {"src": jsapi, "data-jsapi": ""}}},
		"a file of its own and its hash":   {Form{Kind: External, Integrity: true}, "", []map[string]string{block, {"src": src, "integrity": "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), "crossorigin": ""}}},
		"the data alone":                   {Form{Kind: Data}, "", []map[string]string{block}},
		"the data alone, whatever is set":  {Form{Kind: Data}, jsapi, []map[string]string{block}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := app
			a.JSAPIURL = test.jsapi
			r := NewRenderer(a)
			for _, page := range []Page{signedPage, unsignedPage} {
				all := elements(t, string(r.Append(nil, page, test.form)))
				if len(all) != len(test.want) {
					t.Fatalf("%d elements: %v", len(all), all)
				}
				for i, e := range all {
					if !maps.Equal(e.attributes, test.want[i]) || i > 0 && e.text != "" {
						t.Errorf("element %d: %v %q, want %v", i, e.attributes, e.text, test.want[i])
					}
				}
				_, got := dataOf(t, all[0])
				if (got.Config != nil) != (page.Err == nil) {
					t.Errorf("config %v", got.Config)
				}
			}
		})
	}
}

func TestTheDataOfASnippet(t *testing.T) {
	r := NewRenderer(app)
	config := map[string]any{
		"agentId": "42", "corpId": "ding123", "type": 1.0, "jsApiList": []any{"biz.util.scan", "device.notification.alert"},
		"timeStamp": "1700000000", "nonceStr": "abc", "signature": "0123",
	}
	tests := map[string]struct {
		page Page
		want content
	}{
		"a signed page": {signedPage, content{config, map[string]any{
			"url": "https://h5.test/p?x=1", "endpoint": "/.dingtalk", "version": "1.2.3", "error": nil}}},
		"a page whose URL is not known": {unsignedPage, content{nil, map[string]any{
			"url": nil, "endpoint": "/.dingtalk", "version": "1.2.3", "error": map[string]any{"code": "bad_url", "message": "why"}}}},
		"a page without a ticket": {Page{URL: "https://h5.test/", Err: &Error{Code: "ticket_unavailable", Message: "钉钉 \"</script>\""}}, content{nil, map[string]any{
			"url": "https://h5.test/", "endpoint": "/.dingtalk", "version": "1.2.3", "error": map[string]any{"code": "ticket_unavailable", "message": "钉钉 \"</script>\""}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, form := range []Form{{}, {Kind: Whole}, {Kind: External}, {Kind: Data}} {
				if _, got := dataOf(t, elements(t, string(r.Append(nil, test.page, form)))[0]); !reflect.DeepEqual(got, test.want) {
					t.Errorf("form %v: %v, want %v", form, got, test.want)
				}
			}
		})
	}
	t.Run("without a jsApiList it is empty", func(t *testing.T) {
		a := app
		a.JSAPIList = nil
		_, got := dataOf(t, elements(t, string(NewRenderer(a).Append(nil, signedPage, Form{})))[0])
		if list, ok := got.Config["jsApiList"].([]any); !ok || len(list) != 0 {
			t.Errorf("%#v", got.Config["jsApiList"])
		}
	})
}

func TestAppendConfigHasTheURLToo(t *testing.T) {
	got := NewRenderer(app).AppendConfig([]byte("x"), signedPage)
	var members map[string]any
	if err := json.Unmarshal(got[1:], &members); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	keys := slices.Sorted(maps.Keys(members))
	if want := []string{"agentId", "corpId", "jsApiList", "nonceStr", "signature", "timeStamp", "type", "url"}; !slices.Equal(keys, want) {
		t.Errorf("members %v", keys)
	}
	if members["url"] != signedPage.URL || members["signature"] != signedPage.Signature || members["type"] != 1.0 {
		t.Errorf("%s", got)
	}
}

func TestTheScriptsCanStandInAPage(t *testing.T) {
	for name, source := range map[string]string{FileName: Source, RestName: Rest} {
		for i := range len(source) {
			if c := source[i]; c >= 0x7F || c < 0x20 && c != '\n' {
				t.Fatalf("byte %#x at %d", c, i)
			}
		}
		for _, word := range []string{"</script", "<!--", "<script", "{{", "{%"} {
			if strings.Contains(strings.ToLower(source), word) {
				t.Errorf("it has %s", word)
			}
		}
		if !regexp.MustCompile(`^(client|rest)\.[0-9a-f]{8}\.js$`).MatchString(name) {
			t.Errorf("its name is %s", name)
		}
	}
}

// TestTheCoreOfAnOrdinaryPageIsSmall so that it leaves with the header and a page of
// 1 KB in one write, for which net/http has 4 096 bytes.
func TestTheCoreOfAnOrdinaryPageIsSmall(t *testing.T) {
	a := App{
		CorpID: "ding0123456789abcdef", AgentID: "1234567890", JSAPIList: []string{"biz.contact.choose", "device.notification.alert"},
		Endpoint: "/.dingtalk", Version: "0.1.0",
	}
	p := Page{
		URL: "https://h5.example.com/app/index.html?from=message&id=0123456", TimeStamp: "1700000000",
		NonceStr: "abcdefghijklmnop", Signature: strings.Repeat("0", 40),
	}
	if n := len(NewRenderer(a).Append(nil, p, Form{})); n > 2960 {
		t.Errorf("it has %d bytes", n)
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add("https://h5.test/p?x=%E9%92%89", "message", "n", false)
	f.Add("</script><script>", "<!--<script>", "", true)
	f.Add("\xff\u2028😀\x00", "]]>&amp;'\"", "abc+/==", true)
	a := app
	a.JSAPIURL = "//g.alicdn.com/x.js"
	r := NewRenderer(a)
	f.Fuzz(func(t *testing.T, url, message, nonce string, failed bool) {
		if nonce != "" && !validNonce(nonce) {
			t.Skip("the policy has been read before: no other nonce gets here")
		}
		page := Page{URL: url, TimeStamp: message, NonceStr: url, Signature: message}
		if failed {
			page = Page{URL: url, Err: &Error{Code: url, Message: message}}
		}
		for _, kind := range []Kind{Inline, Whole, External, Data} {
			snippet := string(r.Append(nil, page, Form{Kind: kind, Nonce: nonce}))
			for i := range len(snippet) {
				if snippet[i] > 0x7E {
					t.Fatalf("byte %#x in %s", snippet[i], snippet)
				}
			}
			all := elements(t, snippet)
			text, got := dataOf(t, all[0])
			if strings.ContainsAny(text, "<>&'\n") {
				t.Errorf("the data could be markup: %s", text)
			}
			var want any
			if url != "" {
				want = valid(url)
			}
			if got.Sidecar["url"] != want {
				t.Errorf("url %q, want %q", got.Sidecar["url"], want)
			}
			if failed {
				if e := got.Sidecar["error"].(map[string]any); e["message"] != valid(message) || e["code"] != valid(url) || got.Config != nil {
					t.Errorf("%v", got)
				}
			} else if got.Config["signature"] != valid(message) || got.Config["nonceStr"] != valid(url) || got.Sidecar["error"] != nil {
				t.Errorf("%v", got)
			}
			if n := map[Kind]int{Inline: 2, Whole: 2, External: 3, Data: 1}[kind]; len(all) != n {
				t.Errorf("%d elements: %s", len(all), snippet)
			}
		}
	})
}

func TestASnippetAllocatesNothing(t *testing.T) {
	r := NewRenderer(app)
	buf := make([]byte, 0, 64<<10)
	page := signedPage
	page.URL = "https://h5.test/钉钉?😀=\xff"
	for _, form := range []Form{{}, {Kind: Inline, Nonce: "n"}, {Kind: Whole}, {Kind: External, Nonce: "n", Integrity: true}, {Kind: Data}} {
		if n := testing.AllocsPerRun(100, func() { buf = r.Append(buf[:0], page, form) }); n != 0 {
			t.Errorf("form %v: %v allocations", form, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { buf = r.AppendConfig(buf[:0], page) }); n != 0 {
		t.Errorf("AppendConfig: %v allocations", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	r := NewRenderer(app)
	buf := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.Append(buf[:0], signedPage, Form{})
	}
}

func TestSignInAddsLittleToASnippetAndNothingWithoutIt(t *testing.T) {
	a := app
	a.Login = "login.0123456789.js"
	with, without := NewRenderer(a), NewRenderer(app)
	inline := Form{}
	got, before := string(with.Append(nil, Page{}, inline)), string(without.Append(nil, Page{}, inline))
	if added := len(got) - len(before); added <= 0 || added > 300 || !strings.Contains(got, "/login.0123456789.js") {
		t.Errorf("sign-in adds %d bytes", added)
	}
	name, source := with.File()
	if plain, _ := without.File(); name == plain || plain != FileName || !strings.HasPrefix(source, Source) {
		t.Errorf("the file is %s", name)
	}
	if strings.Contains(loginPiece("x"), "{{") || strings.Contains(loginPiece("x"), "</") {
		t.Error("a template engine or the parser would take it for its own")
	}
}

// TestAPageSaysWhichTenantItIsFor where there are several, and holds nothing of that
// where there are not.
func TestAPageSaysWhichTenantItIsFor(t *testing.T) {
	of := func(a App, p Page) (string, content) {
		return dataOf(t, elements(t, string(NewRenderer(a).Append(nil, p, Form{Kind: Data})))[0])
	}
	plain, _ := of(app, signedPage)
	many := app
	many.Many = true
	inline, _ := dataOf(t, elements(t, string(NewRenderer(many).Append(nil, signedPage, Form{})))[0])
	if !strings.Contains(inline, `"tenant":null`) {
		t.Errorf("inline: %s", inline)
	}
	chosen, refused := signedPage, unsignedPage
	chosen.By, refused.By = "query", "cookie"
	want := map[string]any{"corpId": "ding123", "agentId": "42", "by": "query"}
	if _, c := of(many, chosen); !reflect.DeepEqual(c.Sidecar["tenant"], want) {
		t.Errorf("%v", c.Sidecar["tenant"])
	}
	want["by"] = "cookie"
	if _, c := of(many, refused); !reflect.DeepEqual(c.Sidecar["tenant"], want) || c.Sidecar["error"] == nil {
		t.Errorf("an unsigned page: %v", c.Sidecar)
	}
	if text, c := of(many, unsignedPage); c.Sidecar["tenant"] != nil || !strings.Contains(text, `"tenant":null`) {
		t.Errorf("a page for none: %s", text)
	}
	if strings.Contains(plain, "tenant") || strings.Contains(plain, "appId") {
		t.Errorf("a page where there is one: %s", plain)
	}
	suite := many
	suite.AppID = "42"
	_, c := of(suite, chosen)
	if c.Config["appId"] != "42" || c.Config["agentId"] != "42" {
		t.Errorf("a third-party app: %v", c.Config)
	}
}

func TestARendererForAnotherAppIsAsGoodAsItsOwn(t *testing.T) {
	app := app
	app.Many = true
	other := app
	other.CorpID, other.AgentID, other.AppID = "ding9", "9", "9"
	page := signedPage
	page.By = "query"
	got := string(NewRenderer(app).For(other).Append(nil, page, Form{}))
	if want := string(NewRenderer(other).Append(nil, page, Form{})); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
