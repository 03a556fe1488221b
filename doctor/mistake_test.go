package doctor

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// worded are the texts of all calls of Wrong and Hint in the sources, by where they stand.
func worded(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "node_modules") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is || len(call.Args) == 0 {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if text, is := call.Args[0].(*ast.BasicLit); is && (name == "Wrong" || name == "Hint") {
				en, _ := strconv.Unquote(text.Value)
				found[en] = files.Position(call.Pos()).String()
			}
			return true
		})
		return nil
	})
	if err != nil || len(found) < 100 {
		t.Fatalf("%d texts: %v", len(found), err)
	}
	return found
}

func TestEachMistakeIsWordedInBothLanguages(t *testing.T) {
	found := worded(t)
	for en, where := range found {
		if mistakes[en] == "" {
			t.Errorf("%s: %q has no Chinese words in mistakes", where, en)
		}
	}
	han, letter := regexp.MustCompile(`\p{Han}`), regexp.MustCompile(`[a-z]`)
	var sources strings.Builder
	for _, folder := range []string{"../config", "../caddyfile", "../robot/alert"} {
		files, _ := filepath.Glob(folder + "/*.go")
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	for en, zh := range mistakes {
		if words := language.English(zh); words != "" || !han.MatchString(zh) && letter.MatchString(verb.ReplaceAllString(en, "")) {
			t.Errorf("%q is not Chinese", zh)
		}
		if len(verb.FindAllString(en, -1)) != len(verb.FindAllString(zh, -1)) {
			t.Errorf("the arguments of %q are not those of %q", en, zh)
		}
		if _, used := found[en]; !used && !strings.Contains(sources.String(), strconv.Quote(en)) && !strings.HasPrefix(en, "a") {
			t.Errorf("nothing says %q", en)
		}
	}
}

func TestAnErrorIsToldInBothLanguages(t *testing.T) {
	inner := Wrong("no answer in time")
	tests := map[string]struct {
		err    error
		en, zh string
	}{
		"a mistake":               {Wrong("storing: %v", errors.New("x")), "storing: x", "写入：x"},
		"a mistake about another": {Wrong("storing: %v", inner), "storing: no answer in time", "写入：没有及时回答"},
		"one that is wrapped":     {errors.Join(inner), "no answer in time", "没有及时回答"},
		"a system's":              {&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}, "open /x: permission denied", "open /x: 没有权限"},
		"another":                 {errors.New("Boom"), "Boom", "Boom"},
	}
	for name, test := range tests {
		if got := Of(test.err); got.EN != test.en || got.ZH != test.zh {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if !errors.Is(Wrong("storing: %v", fs.ErrNotExist), fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}
