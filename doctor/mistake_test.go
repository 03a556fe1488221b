package doctor

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
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
		if !sameArguments(en, zh) {
			t.Errorf("the arguments of %q are not those of %q", en, zh)
		}
		if _, used := found[en]; !used && !strings.Contains(sources.String(), strconv.Quote(en)) && !strings.HasPrefix(en, "a") {
			t.Errorf("nothing says %q", en)
		}
	}
}

// sameArguments reports whether both texts write each of their arguments with the same verb.
func sameArguments(en, zh string) bool { return maps.Equal(arguments(en), arguments(zh)) }

// arguments are the verbs of a text by the number of the argument that they write. A verb
// without a number takes the argument behind that of the verb before it, as fmt has it.
func arguments(text string) map[int]string {
	verbs, n := make(map[int]string), 0
	for _, v := range verb.FindAllString(text, -1) {
		n++
		if v[1] == '[' {
			n, _ = strconv.Atoi(v[2:3])
		}
		verbs[n] = v[len(v)-1:]
	}
	return verbs
}

func TestArgumentsInAnotherOrderNeedNumbers(t *testing.T) {
	const en = "%q in %s"
	for zh, same := range map[string]bool{"%q %s": true, "%[2]s %[1]q": true, "%[1]q %s": true, "%s %q": false, "%[2]s %q": false, "%q": false} {
		if sameArguments(en, zh) != same {
			t.Errorf("%q for %q: %v", zh, en, !same)
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
