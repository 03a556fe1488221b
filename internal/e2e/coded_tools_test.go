package e2e

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// reader is somebody who takes a content coding off a page.
type reader struct {
	name    string
	tool    string // the command that it needs
	codings string
	blind   bool // to a stream that ends early, as long as the connection does not
	// read returns what is read of a page, and an error unless it is taken for whole.
	read func(t *testing.T, s *testsite.Site, url string) (string, error)
}

// readers are the command line tools and the libraries.
var readers = []reader{
	{"curl --compressed", "curl", "gzip zstd", true, func(t *testing.T, s *testsite.Site, url string) (string, error) {
		host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
		return runTool(t, "", "curl", "-sS", "--compressed", "--max-time", "20", "--noproxy", "*",
			"--resolve", host+":"+s.Port+":127.0.0.1", "-H", "Sec-Fetch-Dest: document", "-H", "Accept: text/html", url)
	}},
	{"gzip -t", "gzip", "gzip", false, tester("gzip")},
	{"zstd -t", "zstd", "zstd", false, tester("zstd")},
	{"compress/gzip", "", "gzip", false, library(func(r io.Reader) (io.Reader, error) { return stdgzip.NewReader(r) })},
	{"klauspost/gzip", "", "gzip", false, library(func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })},
	{"klauspost/zstd", "", "zstd", false, library(func(r io.Reader) (io.Reader, error) {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	})},
}

// tester is a reader by a tool that decodes with -dc and tests with -t.
func tester(tool string) func(t *testing.T, s *testsite.Site, url string) (string, error) {
	return func(t *testing.T, s *testsite.Site, url string) (string, error) {
		body := s.Get(t, url, "Accept-Encoding", tool).Body
		text, _ := runTool(t, body, tool, "-dc")
		_, err := runTool(t, body, tool, "-t")
		return text, err
	}
}

// library is a reader in Go.
func library(open func(io.Reader) (io.Reader, error)) func(t *testing.T, s *testsite.Site, url string) (string, error) {
	return func(t *testing.T, s *testsite.Site, url string) (string, error) {
		a := s.Get(t, url, "Accept-Encoding", "gzip, zstd")
		r, err := open(strings.NewReader(a.Body))
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(r)
		return string(text), errors.Join(err, a.Err)
	}
}

// runTool runs a tool and returns what it writes.
func runTool(t *testing.T, input, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return out.String(), nil
}

// readersOf returns those who are at hand for a content coding. With
// CODED_TOOLS=required all must be.
func readersOf(t *testing.T, coding string) (found []reader) {
	t.Helper()
	for _, r := range readers {
		if !strings.Contains(r.codings, coding) {
			continue
		}
		if err := r.missing(coding); err != nil {
			if os.Getenv("CODED_TOOLS") == "required" {
				t.Fatalf("CODED_TOOLS=required, but %v", err)
			}
			t.Logf("without %s: %v", r.name, err)
			continue
		}
		found = append(found, r)
	}
	return found
}

func (r reader) missing(coding string) error {
	if r.tool == "" {
		return nil
	}
	if _, err := exec.LookPath(r.tool); err != nil {
		return fmt.Errorf("%s is not installed", r.tool)
	}
	if r.tool == "curl" && coding == "zstd" {
		if version, _ := exec.Command("curl", "--version").Output(); !bytes.Contains(version, []byte("zstd")) {
			return errors.New("this curl has no zstd")
		}
	}
	return nil
}

// codedDocument is a long document of either way: one that is spliced, and one
// whose comment keeps it from that.
func codedDocument(way string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html>")
	if way == "transcoded" {
		b.WriteString("<!-- c -->")
	}
	b.WriteString("<head><title>H5</title></head><body>")
	for i := range 5000 {
		fmt.Fprintf(&b, "<p class=\"c%d\">页面 %d</p>\n", i*i%97, i*7919%10007)
	}
	return b.String() + "</body></html>\n"
}

// withoutSnippet returns a decoded page as it was before the snippet came, if there
// is one. A page that is spliced has its beginning twice.
func withoutSnippet(text, way string) string {
	before, rest, found := strings.Cut(text, "<script>(function")
	if !found {
		return text
	}
	_, after, _ := strings.Cut(rest, ")</script>")
	if way == "spliced" && (strings.HasPrefix(after, before) || strings.HasPrefix(before, after)) {
		return after
	}
	return before + after
}

// codings are the content codings, with a way to compress.
var codings = map[string]func(string) string{"gzip": testsite.Gzipped, "zstd": testsite.Zstded}

var ways = []string{"spliced", "transcoded"}

// sending sends these bytes, with a length or in chunks, and breaks off at their
// end if it is told to.
type sending struct {
	coding, body string
	chunked, cut bool
}

func (u *sending) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Encoding", u.coding)
	switch {
	case !u.chunked && u.cut:
		h.Set("Content-Length", strconv.Itoa(len(u.body)+1000))
	case !u.chunked:
		h.Set("Content-Length", strconv.Itoa(len(u.body)))
	}
	_, _ = io.WriteString(w, u.body)
	if u.chunked || u.cut {
		_ = http.NewResponseController(w).Flush()
	}
	if u.cut {
		panic(http.ErrAbortHandler)
	}
}

// changing sends what it is told to at the moment. A request may come once more,
// when its connection has broken off.
type changing struct{ atomic.Pointer[sending] }

func (u *changing) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.Load().ServeHTTP(w, r) }

func TestToolsReadACodedPageAsItWas(t *testing.T) {
	upstream := new(changing)
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: upstream})
	for coding, compress := range codings {
		for _, r := range readersOf(t, coding) {
			for _, way := range ways {
				for _, chunked := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %s, %s, chunked %t", coding, way, r.name, chunked), func(t *testing.T) {
						want := codedDocument(way)
						upstream.Store(&sending{coding: coding, body: compress(want), chunked: chunked})
						text, err := r.read(t, s, s.At("with.test")+"/p")
						if err != nil {
							t.Fatal(err)
						}
						if got := withoutSnippet(text, way); got != want {
							t.Errorf("%d bytes, want %d; they begin with %.200q", len(got), len(want), got)
						}
						s.ExpectSigned(t, &testsite.Answer{Body: text}, s.At("with.test")+"/p")
					})
				}
			}
		}
	}
}

// damage is what may be wrong with a coded page.
type damage struct {
	name   string
	coding string
	// make compresses a document and damages that.
	make func(doc string) string
	end  end
}

// end is what becomes of a document that is damaged.
type end int

const (
	complete end = iota // all of it is there
	early               // the stream ends before it does
	broken              // so does the connection
	wrong               // what is there may be another document
)

// damages are those of which nothing may come out that looks like a whole page
// and is another.
func damages() (all []damage) {
	for coding, compress := range codings {
		half := func(doc string) string { b := compress(doc); return b[:len(b)/2] }
		all = append(all,
			damage{"half of it, and the connection breaks off", coding, half, broken},
			damage{"half of it, and a clean end", coding, half, early},
			damage{"all but the last byte", coding, func(doc string) string { b := compress(doc); return b[:len(b)-1] }, early},
			damage{"a flipped bit", coding, func(doc string) string {
				b := []byte(compress(doc))
				b[len(b)/2] ^= 16
				return string(b)
			}, wrong},
			damage{"a line feed behind", coding, func(doc string) string { return compress(doc) + "\n" }, complete},
			damage{"zeros behind", coding, func(doc string) string { return compress(doc) + strings.Repeat("\x00", 512) }, complete},
			damage{"text behind", coding, func(doc string) string { return compress(doc) + "<!-- served in 3 ms -->" }, complete},
			damage{"two members or frames", coding, func(doc string) string { return compress(doc[:5000]) + compress(doc[5000:]) }, complete},
			damage{"two, the second cut off", coding, func(doc string) string {
				b := compress(doc[5000:])
				return compress(doc[:5000]) + b[:len(b)/2]
			}, early},
		)
	}
	return append(all, damage{"another checksum", "gzip", func(doc string) string {
		b := []byte(testsite.Gzipped(doc))
		b[len(b)-8] ^= 1
		return string(b)
	}, wrong}, damage{"another length", "gzip", func(doc string) string {
		b := []byte(testsite.Gzipped(doc))
		b[len(b)-4] ^= 1
		return string(b)
	}, wrong})
}

func TestNoDamagedPageComesOutAsACleanOne(t *testing.T) {
	upstream := new(changing)
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Compared, Upstream: upstream})
	var table strings.Builder
	for _, d := range damages() {
		for _, way := range ways {
			doc := codedDocument(way)
			for _, chunked := range []bool{false, true} {
				if chunked && d.end != early && d.end != broken {
					continue // how it is framed tells nothing about the end
				}
				upstream.Store(&sending{coding: d.coding, body: d.make(doc), chunked: chunked, cut: d.end == broken})
				what := fmt.Sprintf("%s, %s, %s, chunked %t", d.coding, way, d.name, chunked)
				fmt.Fprintf(&table, "\n%s:\n", what)
				for _, r := range readersOf(t, d.coding) {
					without, errWithout := r.read(t, s, s.At("without.test")+"/p")
					text, err := r.read(t, s, s.At("with.test")+"/p")
					with := withoutSnippet(text, way)
					fmt.Fprintf(&table, "  %-18s without us %-23s with us %s\n", r.name, verdict(without, doc, errWithout), verdict(with, doc, err))
					asWithout := errWithout == nil && with == without
					asEver := r.blind && d.end == early && strings.HasPrefix(doc, with)
					if err == nil && !(with == doc && d.end == complete) && !asWithout && !asEver {
						t.Errorf("%s: %s takes it for whole: %d of %d bytes, %d without us", what, r.name, len(with), len(doc), len(without))
					}
					if d.end != wrong && !strings.HasPrefix(doc, with) {
						t.Errorf("%s: %s reads something else", what, r.name)
					}
				}
			}
		}
	}
	t.Log(table.String())
}

// verdict says what a reader has made of a document.
func verdict(text, doc string, err error) string {
	how := "another page"
	switch {
	case text == doc:
		how = "all"
	case strings.HasPrefix(doc, text):
		how = fmt.Sprintf("%d%%", 100*len(text)/len(doc))
	}
	if err != nil {
		return how + ", an error"
	}
	return how + ", clean"
}
