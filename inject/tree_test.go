package inject

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// snippet is what the tests put into pages.
const snippet = `<script>window.ours=1</script>`

// parse returns the tree of a document, with and without scripting: the parser
// treats noscript in two ways. It leaves to its callers what browsers do before
// they parse: to decode, and to take off the byte order mark.
func parse(t testing.TB, doc []byte, scripting bool) *html.Node {
	t.Helper()
	doc = bytes.TrimPrefix(doc, []byte(utf8BOM))
	root, err := html.ParseWithOptions(bytes.NewReader(doc), html.ParseOptionEnableScripting(scripting))
	if err != nil {
		t.Skipf("no parser takes this document: %v", err) // nested too deep
	}
	return root
}

// proveInsertion checks that a document with the snippet at pos has the tree that
// it has without, but for our script, which is the first one and in head.
func proveInsertion(t testing.TB, doc []byte, pos int) {
	t.Helper()
	for _, scripting := range []bool{true, false} {
		want := parse(t, doc, scripting)
		got := parse(t, insertAt(doc, pos), scripting)
		ours := firstScript(got)
		if ours == nil || ours.FirstChild == nil || ours.FirstChild.Data != "window.ours=1" {
			t.Fatalf("the first script of %q is not ours", insertAt(doc, pos))
		}
		if p := ours.Parent; p.Data != "head" || p.Parent.Data != "html" || p.Parent.Parent.Type != html.DocumentNode {
			t.Fatalf("our script is in %q, not in head: %q", p.Data, insertAt(doc, pos))
		}
		ours.Parent.RemoveChild(ours)
		if a, b := outline(want), outline(got); a != b {
			t.Fatalf("the trees differ\ndocument:\n%q\nwithout:\n%s\nwith:\n%s", insertAt(doc, pos), a, b)
		}
	}
}

func insertAt(doc []byte, pos int) []byte {
	return []byte(string(doc[:pos]) + snippet + string(doc[pos:]))
}

func firstScript(root *html.Node) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "script" {
			return n
		}
	}
	return nil
}

// outline writes a tree down, one node a line, with all that nodes have.
func outline(root *html.Node) string {
	var b strings.Builder
	var walk func(n *html.Node, depth int)
	walk = func(n *html.Node, depth int) {
		fmt.Fprintf(&b, "%*s%v %s %q %q\n", 2*depth, "", n.Type, n.Namespace, n.Data, n.Attr)
		for c := range n.ChildNodes() {
			walk(c, depth+1)
		}
	}
	walk(root, 0)
	return b.String()
}

func TestTheSnippetLeavesTheTreeOfTheTablesDocuments(t *testing.T) {
	for name, doc := range documents {
		b, pos := unmark(doc)
		if pos < 0 {
			continue
		}
		t.Run(name, func(t *testing.T) { proveInsertion(t, b, pos) })
	}
}

// pieces are what documents begin with, good and bad.
var pieces = []string{
	" ", "\n\t", "x", "\x00", "&amp;", "<", "</", "\ufeff",
	"<!-- c -->", "<!-->", "<!DOCTYPE html>", `<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">`, "<?xml?>", "</>",
	"<html>", `<html lang="a>b" class=c>`, "</html>", "<head>", `<head data-x=">">`, "<head/>", "</head>", "<header>", "<body>", `<body class="b">`, "</body>",
	"</br>", "</p>", "</template>", "<title>t</title>", "<meta charset=gbk>", "<base href=/>", "<style><head></style>",
	"<script>var a</script>", "<noscript><p></noscript>", "<template><head></template>", "<frameset><frame>", "<noframes>",
	"<p><table><tr><td>", "<select><option>", "<form>", "<svg><title>", "<math><mi>", "<textarea>\n", "<plaintext>", "<input type=hidden>", "<br>",
}

func TestTheSnippetLeavesTheTreeOfAllSequencesOfPieces(t *testing.T) {
	check := func(doc string) {
		if pos := place([]byte(doc)); pos >= 0 {
			proveInsertion(t, []byte(doc), pos)
		} else if place([]byte(doc+">")) < 0 {
			t.Errorf("%q has no place, though it does not end within a tag", doc)
		}
	}
	ends := []string{"", "x", `<html dir="rtl" class=d>`, `<head data-x="y">`, `<body class="c">x`, "<p><table>"}
	for _, a := range pieces {
		for _, b := range pieces {
			for _, c := range ends {
				check(a + b + c)
			}
		}
	}
}

// corpus returns the documents of testdata/html by name.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/html/*.html")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d documents in testdata/html (%v), want at least 40", len(files), err)
	}
	docs := make(map[string][]byte)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.Base(name)] = b
	}
	return docs
}

// placeless are the documents of the corpus that must be left alone.
var placeless = map[string]bool{
	"utf16le.html":              true,
	"utf16be.html":              true,
	"utf16-without-mark.html":   true,
	"unterminated-comment.html": true,
	"unterminated-doctype.html": true,
	"unterminated-tag.html":     true,
}

func TestTheSnippetLeavesTheTreeOfTheCorpus(t *testing.T) {
	for name, doc := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			pos := place(doc)
			if none := pos < 0; none != placeless[name] {
				t.Fatalf("the place is %d", pos)
			}
			if pos >= 0 {
				proveInsertion(t, doc, pos)
			}
		})
	}
}

// TestTheSnippetLeavesTheTreeOfTheHtml5libCases takes the cases that the parser
// itself is tested with, where its module is at hand in full.
func TestTheSnippetLeavesTheTreeOfTheHtml5libCases(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(dir)) == 0 {
		t.Skip("vendored modules come without their test data")
	}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "html/testdata/html5lib-tests/tree-construction/*.dat"))
	if len(files) == 0 {
		t.Fatal("the cases are not where they were")
	}
	cases, without := 0, 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split("\n"+string(b), "\n#data\n")[1:] {
			data, _, _ := strings.Cut(c, "\n#errors")
			cases++
			pos := place([]byte(data))
			if pos < 0 {
				without++
				continue
			}
			t.Run(filepath.Base(name), func(t *testing.T) { proveInsertion(t, []byte(data), pos) })
		}
	}
	if cases < 1000 || without > cases/50 {
		t.Errorf("%d of %d cases have no place", without, cases)
	}
	t.Logf("%d cases, %d of them cut off before their place", cases, without)
}
