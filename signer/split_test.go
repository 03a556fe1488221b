package signer

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestNoSignatureFitsTheURLOfAnotherSite(t *testing.T) {
	const own = "https://h5.example.com/"
	others := mustOrigins(t, "https://app.test:8443")
	for name, tt := range map[string]struct {
		url   string
		forms string // the policies under which it is refused
	}{
		"a page":                             {own + "?a=1&b=2", ""},
		"another site in the query":          {own + "?a&timestamp=1&url=https://evil.test/steal", "query_decoded raw decoded"},
		"another site in the path":           {own + "&timestamp=1&url=https://evil.test/", "query_decoded raw decoded"},
		"percent-encoded":                    {own + "?a%26timestamp%3D1%26url%3Dhttps%3A%2F%2Fevil.test%2F", "query_decoded decoded"},
		"letters percent-encoded":            {own + "?a&%74imestamp=1&%75rl=https://evil.test/", "query_decoded decoded"},
		"percent-encoded in the path":        {own + "a%26timestamp=1%26url=https://evil.test/", "decoded"},
		"our own site":                       {own + "?a&timestamp=1&url=https://h5.example.com/b", ""},
		"our own site, on another port":      {own + "?a&timestamp=1&url=https://h5.example.com:8443/b", "query_decoded raw decoded"},
		"a site that we sign for":            {own + "?a&timestamp=1&url=https://app.test:8443/b", ""},
		"a site that looks like ours":        {own + "?a&timestamp=1&url=https://h5.example.com@evil.test/", "query_decoded raw decoded"},
		"a name that begins with ours":       {own + "?a&timestamp=1&url=https://h5.example.com.evil.test/", "query_decoded raw decoded"},
		"ours first, then another":           {own + "?a&timestamp=1&url=https://h5.example.com/&url=https://evil.test/", "query_decoded raw decoded"},
		"something between them":             {own + "?a&timestamp=1&b=2&url=https://evil.test/", "query_decoded raw decoded"},
		"no URL at all":                      {own + "?a&timestamp=1&url=x", "query_decoded raw decoded"},
		"a url without a timestamp":          {own + "?a&url=https://evil.test/", ""},
		"a url in front of the timestamp":    {own + "?a&url=https://evil.test/&timestamp=1", ""},
		"a timestamp alone":                  {own + "?a&timestamp=1", ""},
		"two of them, encoded twice":         {own + "?a%2526timestamp=1%2526url=https://evil.test/", ""},
		"a malformed percent keeps it so":    {own + "?a%26timestamp=1%26url=https://evil.test/&b=%zz", ""},
		"a malformed percent, and not coded": {own + "?a&timestamp=1&url=https://evil.test/&b=%zz", "query_decoded raw decoded"},
	} {
		for _, form := range Forms {
			_, err := form.Sign("TICKET", tt.url, time.Unix(1784680200, 0), others...)
			if got, want := err != nil, strings.Contains(" "+tt.forms+" ", " "+form.Policy.String()+" "); got != want {
				t.Errorf("%s, %s: refused %v, want %v", name, form.Policy, got, want)
			}
			if err != nil && (err.Reason != Splits || err.Code() != CodeBadURL) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// The attack as DingTalk's native side would see it: it hashes the URL that its
// webview shows with the nonceStr and timeStamp that the page gives.
func TestTheAttackWorksWhereNobodyLooks(t *testing.T) {
	const shown = "https://evil.test/steal"
	const asked = "http://h5.example.com/?a&timestamp=1&url=" + shown
	made := Signer{Policy: Raw}.sign("TICKET", []byte(asked), []byte("NONCE"), []byte("1784680200"))
	sum := sha1.Sum([]byte("jsapi_ticket=TICKET&noncestr=" + "NONCE&timestamp=1784680200&url=http://h5.example.com/?a" + "&timestamp=" + "1" + "&url=" + shown))
	if made.Signature != hex.EncodeToString(sum[:]) {
		t.Fatal("the attack does not work: is there anything to guard?")
	}
	if _, err := (Signer{Policy: Raw}).Sign("TICKET", asked, time.Now()); err == nil {
		t.Error("it is signed")
	}
}

// No other split of a text that is signed names an origin that is not ours.
func FuzzSign(f *testing.F) {
	for _, s := range []string{"?a&timestamp=1&url=https://evil.test/", "a%26timestamp=1%26url=//x", "?x&timestamp=&url=https://h5.example.com/&url=", "?%26%74imestamp%3d9%26url%3dhttps://app.test:8443/+", "?a=1"} {
		f.Add(s)
	}
	others := mustOrigins(f, "https://app.test:8443")
	ours := append(mustOrigins(f, "https://h5.example.com"), others...)
	f.Fuzz(func(t *testing.T, rest string) {
		page, err := ParseURL("https://h5.example.com/" + rest)
		if err != nil {
			return
		}
		for _, form := range Forms {
			_, refused := form.Sign("T", page.URL(), time.Unix(1, 0), others...)
			foreign := foreignSplit("&noncestr=N&timestamp=1&url="+form.Policy.Form(page.URL()), ours)
			if (refused != nil) != foreign {
				t.Errorf("%s %q: refused %v, another reading is foreign: %v", form.Policy, page.URL(), refused, foreign)
			}
			var e *Error
			if refused != nil && !errors.As(refused, &e) {
				t.Error(refused)
			}
		}
	})
}

// foreignSplit tries every place at which the text could be split otherwise than it
// was made: the nonceStr ends at a later &timestamp=, the timeStamp at any &url=
// behind that.
func foreignSplit(text string, ours []Origin) bool {
	first := strings.Index(text, "&timestamp=")
	for i := first + 1; i < len(text); i++ {
		if !strings.HasPrefix(text[i:], "&timestamp=") {
			continue
		}
		for j := i; j < len(text); j++ {
			if strings.HasPrefix(text[j:], "&url=") && !isOurs(text[j+len("&url="):], ours) {
				return true
			}
		}
	}
	return false
}

// isOurs reads the origin with the standard library rather than with our own parser.
func isOurs(text string, ours []Origin) bool {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return false
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	u, err := url.Parse(strings.ToLower(scheme) + "://" + authority)
	if err != nil || u.User != nil {
		return false
	}
	for _, o := range ours {
		port := u.Port()
		if port == "443" && u.Scheme == "https" {
			port = ""
		}
		if o.Scheme == u.Scheme && strings.EqualFold(o.Host, u.Hostname()) && o.Port == port {
			return true
		}
	}
	return false
}
