package signer

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func sha1Of(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestTheWayASignatureWasMadeIsFound(t *testing.T) {
	const page = "https://h5.example.com/app/p?q=%E4%B8%AD+a#/route"
	text := func(url string) string { return "jsapi_ticket=T&noncestr=n&timestamp=1700000000&url=" + url }
	const shown = "https://h5.example.com/app/p?q=%E4%B8%AD+a"
	md5Of := func(text string) string {
		sum := md5.Sum([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	tests := map[string]struct {
		signature string
		want      []Change
		form      Signer
	}{
		"as DingTalk's sample":              {sha1Of(text("https://h5.example.com/app/p?q=中 a")), nil, Signer{}},
		"as the browser shows it":           {sha1Of(text(shown)), nil, Signer{Policy: Raw}},
		"decoded, with the plus":            {sha1Of(text("https://h5.example.com/app/p?q=中+a")), nil, Signer{Policy: Decoded}},
		"sha256":                            {Parts{"T", "n", "1700000000", shown}.Sign(Signer{Raw, SHA256}), nil, Signer{Raw, SHA256}},
		"http behind a proxy that ends TLS": {sha1Of(text("http" + shown[5:])), []Change{OtherScheme}, Signer{Policy: Raw}},
		"with the fragment":                 {sha1Of(text(page)), []Change{WithFragment}, Signer{Policy: Raw}},
		"without the query":                 {sha1Of(text("https://h5.example.com/app/p")), []Change{WithoutQuery}, Signer{}},
		"with a slash more":                 {sha1Of(text("https://h5.example.com/app/p/?q=%E4%B8%AD+a")), []Change{SlashAdded}, Signer{Policy: Raw}},
		"with the default port":             {sha1Of(text("https://h5.example.com:443/app/p?q=%E4%B8%AD+a")), []Change{DefaultPort}, Signer{Policy: Raw}},
		"the origin alone":                  {sha1Of(text("https://h5.example.com/")), []Change{WithoutPath}, Signer{}},
		"encoded as a component":            {sha1Of(text("https%3A%2F%2Fh5.example.com%2Fapp%2Fp%3Fq%3D%25E4%25B8%25AD%2Ba")), []Change{EncodedWhole}, Signer{}},
		"encoded once more":                 {sha1Of(text("https://h5.example.com/app/p?q=%25E4%25B8%25AD+a")), []Change{EncodedTwice}, Signer{}},
		"with the names of dd.config":       {sha1Of("jsapi_ticket=T&nonceStr=n&timeStamp=1700000000&url=" + shown), []Change{CamelNames}, Signer{Policy: Raw}},
		"of the values alone":               {sha1Of("Tn1700000000" + shown), []Change{ValuesOnly}, Signer{Policy: Raw}},
		"nonce and time swapped":            {sha1Of("jsapi_ticket=T&noncestr=1700000000&timestamp=n&url=" + shown), []Change{Swapped}, Signer{Policy: Raw}},
		"milliseconds":                      {sha1Of("jsapi_ticket=T&noncestr=n&timestamp=1700000000000&url=" + shown), []Change{InMilliseconds}, Signer{Policy: Raw}},
		"md5":                               {md5Of(text(shown)), []Change{MD5}, Signer{Policy: Raw}},
		"capitals":                          {strings.ToUpper(sha1Of(text(shown))), []Change{UpperCase}, Signer{Policy: Raw}},
		"several mistakes at once": {sha1Of("jsapi_ticket=T&nonceStr=n&timeStamp=1700000000&url=http://h5.example.com/app/p"),
			[]Change{OtherScheme, WithoutQuery, CamelNames}, Signer{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, found := GuessSignature(test.signature, Parts{NonceStr: "n", TimeStamp: "1700000000", URL: page}, []string{"another", "T"})
			if !found || g.Ticket != 1 || !slices.Equal(g.Changes, test.want) || g.Signer != test.form {
				t.Errorf("%v %+v", found, g)
			}
		})
	}
	for name, test := range map[string]struct{ signature, url string }{
		"of another page":    {sha1Of(text("https://h5.example.com/other")), page},
		"no signature":       {"", page},
		"a URL that is none": {sha1Of(text("x")), "\x00#?"},
	} {
		if g, found := GuessSignature(test.signature, Parts{NonceStr: "n", TimeStamp: "1700000000", URL: test.url}, []string{"T"}); found {
			t.Errorf("%s: %+v", name, g)
		}
	}
}

func TestEveryVectorIsMadeAgainAndRecognised(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "testdata", "dingtalk-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Ticket, Nonce, Timestamp, SHA1, SHA256 string
		PageURL                                      string `json:"page_url"`
		SignedURL                                    string `json:"signed_url"`
	}
	if err := json.Unmarshal(content, &vectors); err != nil || len(vectors) < 10 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	for _, v := range vectors {
		parts := Parts{v.Ticket, v.Nonce, v.Timestamp, v.SignedURL}
		for hash, signature := range map[Hash]string{SHA1: v.SHA1, SHA256: v.SHA256} {
			if got := parts.Sign(Signer{Raw, hash}); got != signature {
				t.Errorf("%s: %s, want %s", v.Name, got, signature)
			}
			if hash.sum([]byte(parts.Text(Raw))) != signature {
				t.Errorf("%s: the text is %s", v.Name, parts.Text(Raw))
			}
			parts := parts
			parts.URL = v.PageURL
			g, found := GuessSignature(signature, parts, []string{v.Ticket})
			if !found || len(g.Changes) > 0 || g.Signer.Hash != hash {
				t.Errorf("%s: %v %+v", v.Name, found, g)
			}
		}
	}
}
