package testsite

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Coders put a content coding on, which the empty one is not.
var Coders = map[string]func(string) string{"": func(s string) string { return s }, "gzip": Gzipped, "zstd": Zstded}

// Decodable returns what of a body can be decoded, and the error behind that.
func Decodable(coding, body string) (text string, err error) {
	var r io.Reader
	if coding == "gzip" {
		r, err = gzip.NewReader(strings.NewReader(body))
	} else {
		r, err = zstd.NewReader(strings.NewReader(body), zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		return "", err
	}
	all, err := io.ReadAll(r)
	return string(all), err
}

// NoisyPage is a page that stays long in any coding.
var NoisyPage = func() string {
	noise := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	return strings.Replace(Page, "页面", hex.EncodeToString(noise), 1)
}()

// UnusualPage begins with what keeps a coded page from being spliced.
var UnusualPage = "<!-- 钉钉 -->" + NoisyPage

// Decode takes the content coding off, if there is one.
func (a *Answer) Decode(t testing.TB) *Answer {
	t.Helper()
	var r io.Reader = strings.NewReader(a.Body)
	var err error
	switch coding := a.Header.Get("Content-Encoding"); coding {
	case "":
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	default:
		t.Fatalf("Content-Encoding: %s", coding)
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return &Answer{a.Status, a.Header, string(body), a.Err}
}

// Zstded compresses with zstd.
func Zstded(s string) string {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// Gzipped compresses with gzip.
func Gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}
