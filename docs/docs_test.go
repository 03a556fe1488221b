// Package docs_test reads what users read: both READMEs and the pages of this folder.
package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-dingtalk/caddy-dingtalk"
)

// pair is one page in both languages, as paths from this folder.
type pair struct{ english, chinese string }

// pairs returns the READMEs and the pages.
func pairs(t *testing.T) []pair {
	t.Helper()
	out := []pair{{"../README.md", "../README.zh-CN.md"}}
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		out = append(out, pair{page, filepath.Join("zh", page)})
	}
	return out
}

func TestEveryPageStandsInBothLanguages(t *testing.T) {
	chinese, err := filepath.Glob("zh/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range chinese {
		if _, err := os.Stat(filepath.Base(page)); err != nil {
			t.Errorf("%s has no English page", page)
		}
	}
	for _, p := range pairs(t) {
		english, chinese := read(t, p.english), read(t, p.chinese)
		if e, c := headings(english), headings(chinese); len(e) != len(c) {
			t.Errorf("%s has the headings %q, %s has %q", p.english, e, p.chinese, c)
		}
		if e, c := len(rows(english)), len(rows(chinese)); e != c {
			t.Errorf("%s has %d rows in its tables, %s has %d", p.english, e, p.chinese, c)
		}
	}
}

func TestAREADMEIsReadInOneSitting(t *testing.T) {
	for _, name := range []string{"../README.md", "../README.zh-CN.md"} {
		text := read(t, name)
		if n := bytes.Count(text, []byte("\n")); n > 130 {
			t.Errorf("%s has %d lines, more than 130: what is longer has a page in docs", name, n)
		}
		if !bytes.Contains(text, []byte("`make test`")) {
			t.Errorf("%s does not tell how to test", name)
		}
	}
}

// block matches a code block: its language, if it has one, and its text.
var block = regexp.MustCompile("(?ms)^```(\\S*)\n(.*?)^```$")

// blocks returns the texts of the code blocks in this language.
func blocks(text []byte, language string) (out [][]byte) {
	for _, found := range block.FindAllSubmatch(text, -1) {
		if string(found[1]) == language {
			out = append(out, found[2])
		}
	}
	return out
}

// TestWhoCopiesACaddyfileIsNotWarned: both languages show the same, as caddy fmt
// has it, and what is whole can be adapted.
func TestWhoCopiesACaddyfileIsNotWarned(t *testing.T) {
	whole := 0
	for _, p := range pairs(t) {
		english, chinese := blocks(read(t, p.english), "caddyfile"), blocks(read(t, p.chinese), "caddyfile")
		if len(english) != len(chinese) {
			t.Errorf("%s has %d Caddyfiles, %s has %d", p.english, len(english), p.chinese, len(chinese))
			continue
		}
		for i, text := range english {
			if !bytes.Equal(text, chinese[i]) {
				t.Errorf("%s has another Caddyfile than %s:\n%s", p.chinese, p.english, chinese[i])
			}
			if formatted := caddyfile.Format(text); !bytes.Equal(formatted, text) {
				t.Errorf("%s: not as caddy fmt has it:\n%s", p.english, text)
			}
			if !bytes.Contains(text, []byte("\tdingtalk {")) {
				continue // a part, or what needs a plugin
			}
			whole++
			if _, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, nil); err != nil || len(warnings) > 0 {
				t.Errorf("%s: %v %v in\n%s", p.english, err, warnings, text)
			}
		}
	}
	if whole < 4 {
		t.Errorf("%d whole Caddyfiles", whole)
	}
}

func TestTheOtherConfigurationsAreTheSameInBothLanguages(t *testing.T) {
	comment := regexp.MustCompile(`(?m)\s*#.*$`)
	for _, p := range pairs(t) {
		for _, language := range []string{"nginx", "yaml", "dockerfile", "ini", "apache"} {
			english, chinese := blocks(read(t, p.english), language), blocks(read(t, p.chinese), language)
			same := func(a, b []byte) bool {
				return bytes.Equal(comment.ReplaceAll(a, nil), comment.ReplaceAll(b, nil))
			}
			if !slices.EqualFunc(english, chinese, same) {
				t.Errorf("%s and %s have different blocks of %s", p.english, p.chinese, language)
			}
		}
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	files := []string{"../CONTRIBUTING.md", "../CHANGELOG.md", "../SECURITY.md"}
	for _, p := range pairs(t) {
		files = append(files, p.english, p.chinese)
	}
	found := 0
	for _, file := range files {
		for _, m := range link.FindAllSubmatch(block.ReplaceAll(read(t, file), nil), -1) {
			target := string(m[1]) + string(m[2])
			if strings.Contains(target, "://") {
				continue
			}
			found++
			path, anchor, anchored := strings.Cut(target, "#")
			to := filepath.Join(filepath.Dir(file), path)
			if path == "" {
				to = file
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s: %v", file, target, err)
			} else if anchored && !slices.Contains(anchors(read(t, to)), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", file, target)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d links", found)
	}
}

// headings returns the headings of a page.
func headings(text []byte) (out []string) {
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for _, m := range heading.FindAllSubmatch(block.ReplaceAll(text, nil), -1) {
		out = append(out, string(m[1]))
	}
	return out
}

// rows returns the rows of a page's tables.
func rows(text []byte) [][]byte {
	return regexp.MustCompile(`(?m)^\|.*$`).FindAll(block.ReplaceAll(text, nil), -1)
}

// anchors returns the names under which GitHub links to the headings of a page.
func anchors(text []byte) (out []string) {
	for _, heading := range headings(text) {
		out = append(out, strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, heading))
	}
	return out
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
