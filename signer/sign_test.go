package signer

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// vector is a signature of DingTalk's samples and SDKs, with both hashes.
type vector struct {
	Name, Ticket, Nonce, Timestamp string
	PageURL                        string `json:"page_url"`
	SignedURL                      string `json:"signed_url"` // what is hashed
	SHA1                           string `json:"sha1"`
	SHA256                         string `json:"sha256"`
}

func TestVectors(t *testing.T) {
	vectors := load[vector](t, "dingtalk-vectors.json")
	decoded := 0
	for _, v := range vectors {
		policy := Raw
		if v.Name == "java-decodeUrl" { // DingTalk's Java sample, run
			policy = QueryDecoded
			decoded++
		}
		checkVector(t, v, policy)
	}
	if len(vectors) != 15 || decoded != 10 {
		t.Errorf("%d vectors, %d decoded; want 15 and 10", len(vectors), decoded)
	}
}

// The same page under the two other policies (inputs of the first vector).
func TestVectorsOfTheOtherPolicies(t *testing.T) {
	v := load[vector](t, "dingtalk-vectors.json")[0]
	v.PageURL = "https://app.example.com:8443/a%20b/%E4%B8%AD?name=%E5%BC%A0%E4%B8%89&x=a+b&y=1%2B1#/r?z=1"
	v.SignedURL = "https://app.example.com:8443/a%20b/%E4%B8%AD?name=%E5%BC%A0%E4%B8%89&x=a+b&y=1%2B1"
	v.SHA1 = "052a58540c3aace961d24ec22530fa211fd877dc"
	v.SHA256 = "c669ed82f4b8e23c9a4cc618f446758a50e81247aaf0e322a0dfd19cd90d9b65"
	checkVector(t, v, Raw)

	v.SignedURL = "https://app.example.com:8443/a b/中?name=张三&x=a+b&y=1+1"
	v.SHA1 = "6aacbaf2fe12e9d11ce6d4f3ed0a5dd17a85cbe5"
	v.SHA256 = "626dfebb0fffa2295ba116dbfd179a01d3a412f14c936f22480d3c252b1e7d8e"
	checkVector(t, v, Decoded)
}

func checkVector(t *testing.T, v vector, policy Policy) {
	t.Helper()
	url, _, _ := strings.Cut(v.PageURL, "#")
	if got := string(appendForm(nil, url, policy)); got != v.SignedURL {
		t.Errorf("%s %s: hashed %q, want %q", v.Name, url, got, v.SignedURL)
	}
	for hash, want := range map[Hash]string{SHA1: v.SHA1, SHA256: v.SHA256} {
		got := Signer{policy, hash}.sign(v.Ticket, appendForm(nil, url, policy), []byte(v.Nonce), []byte(v.Timestamp))
		if want := (Signed{v.Nonce, v.Timestamp, want}); got != want {
			t.Errorf("%s %s: %+v, want %+v", v.Name, url, got, want)
		}
	}
}

func TestSignTakesTheTimeInSecondsAndAFreshNonce(t *testing.T) {
	now := time.Date(2026, 7, 22, 8, 30, 0, 999, time.FixedZone("CST", 8*3600))
	const ticket, url = "TICKET", "https://h5.example.com/app?name=%E5%BC%A0+x"
	const hashed = "https://h5.example.com/app?name=张 x"
	nonces := map[string]bool{}
	for range 200 {
		got, err := Signer{}.Sign(ticket, url, now)
		if err != nil {
			t.Fatal(err)
		}
		if got.TimeStamp != "1784680200" {
			t.Fatalf("timeStamp %q", got.TimeStamp)
		}
		if !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(got.NonceStr) {
			t.Fatalf("nonceStr %q", got.NonceStr)
		}
		sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%s&url=%s", ticket, got.NonceStr, got.TimeStamp, hashed))
		if want := hex.EncodeToString(sum[:]); got.Signature != want {
			t.Fatalf("signature %s, want %s", got.Signature, want)
		}
		nonces[got.NonceStr] = true
	}
	if len(nonces) != 200 {
		t.Errorf("%d nonces for 200 signatures", len(nonces))
	}
}

func TestSignTakesURLsOfAnyLength(t *testing.T) {
	for _, n := range []int{0, 900, 1 << 10, 1 << 20} {
		url := "https://h5.example.com/?q=" + strings.Repeat("a", n)
		got := Signer{Hash: SHA256}.sign("T", []byte(url), []byte("N"), []byte("1"))
		sum := sha256.Sum256([]byte("jsapi_ticket=T&noncestr=N&timestamp=1&url=" + url))
		if want := hex.EncodeToString(sum[:]); got.Signature != want {
			t.Errorf("%d bytes: %s, want %s", n, got.Signature, want)
		}
	}
}

// What a usual page costs. The ticket is as long as DingTalk's.
var (
	benchTicket = strings.Repeat("t", 86)
	benchURL    = "https://h5.example.com/app/index.html?corpid=ding0123456789abcdef&name=%E5%BC%A0%E4%B8%89+x"
	benchNow    = time.Unix(1784680200, 0)
)

func TestSignAllocatesAtMostTwice(t *testing.T) {
	for _, hash := range []Hash{SHA1, SHA256} {
		s := Signer{Hash: hash}
		if n := testing.AllocsPerRun(200, func() { s.Sign(benchTicket, benchURL, benchNow) }); n > 2 {
			t.Errorf("hash %d: %v allocations for one signature, want 2 or fewer", hash, n)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	for name, s := range map[string]Signer{"sha1": {Hash: SHA1}, "sha256": {Hash: SHA256}, "raw": {Policy: Raw}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Sign(benchTicket, benchURL, benchNow)
			}
		})
	}
}
