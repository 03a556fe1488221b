package e2e

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

const module = "github.com/caddy-dingtalk/caddy-dingtalk"

// floor is a row of rooms, which are folders. Who lives there imports from the
// floors below, and from the same floor only where it says so.
type floor struct {
	rooms  []string
	sideby bool
}

// house is the layout of the module, from the roof down. Each production package
// stands here.
var house = []floor{
	{rooms: []string{"cmd/caddy"}},
	{rooms: []string{"."}},
	{rooms: []string{"internal/command"}},
	{rooms: []string{"caddyfile", "doctor/examine", "robot/alert"}},
	{rooms: []string{"login", "endpoint"}, sideby: true},
	{rooms: []string{"tenant", "visit"}, sideby: true},
	{rooms: []string{"tenant/suite"}},
	{rooms: []string{"doctor", "config", "observe"}, sideby: true},
	{rooms: []string{"signer", "client", "inject", "tokens", "oapi", "robot", "doctor/page"}},
}

// backyard are the packages of tests and demonstrations. Only the commands in it
// and in cmd know it.
var backyard = []string{"docs", "internal/sandbox", "internal/testsite", "internal/e2e", "internal/bench", "internal/simulate"}

// goPackage is what `go list` tells of a package.
type goPackage struct {
	ImportPath    string
	Dir           string
	GoFiles       []string
	Imports, Deps []string
}

// room is the folder of a package of ours, and whether it is one.
func room(path string) (folder string, ours bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func isBackyard(folder string) bool {
	return slices.ContainsFunc(backyard, func(b string) bool { return folder == b || strings.HasPrefix(folder, b+"/") })
}

// packages are those of the module, by their folders.
var packages = sync.OnceValues(func() (map[string]goPackage, error) {
	list := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,Imports,Deps", "./...")
	list.Dir = testsite.Root()
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	found := make(map[string]goPackage)
	for all := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := all.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		folder, _ := room(p.ImportPath)
		found[folder] = p
	}
})

// production returns the packages that a server may be built of.
func production(t *testing.T) map[string]goPackage {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	all = maps.Clone(all)
	maps.DeleteFunc(all, func(folder string, _ goPackage) bool { return isBackyard(folder) })
	return all
}

// floorOf returns on which floor a folder is, -1 if on none.
func floorOf(folder string) int {
	return slices.IndexFunc(house, func(f floor) bool { return slices.Contains(f.rooms, folder) })
}

func TestImportsLeadDownwardsOnly(t *testing.T) {
	for folder, p := range production(t) {
		own := floorOf(folder)
		if own < 0 {
			t.Errorf("%s stands on no floor: give it one in this test", folder)
			continue
		}
		for _, path := range p.Imports {
			other, ours := room(path)
			if !ours {
				continue
			}
			if isBackyard(other) {
				if !strings.HasPrefix(folder, "cmd/") {
					t.Errorf("%s imports %s, which is for tests and demonstrations", folder, other)
				}
				continue
			}
			if at := floorOf(other); at < own || at == own && !house[own].sideby {
				t.Errorf("%s imports %s, which is not below it", folder, other)
			}
		}
	}
}

func TestTheBackyardKnowsWhatItTestsOnlyFromOutside(t *testing.T) {
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all["internal/sandbox"].Imports {
		if other, ours := room(path); ours {
			t.Errorf("the simulated DingTalk imports %s: it would share its mistakes", other)
		}
	}
	if slices.Contains(all["."].Deps, module+"/internal/testsite") {
		t.Error("the module imports the harness of its tests")
	}
}

// TestTheGroundFloorKnowsNoCaddy: what is pure can be used and tested by itself.
func TestTheGroundFloorKnowsNoCaddy(t *testing.T) {
	all := production(t)
	for _, folder := range []string{"signer", "oapi", "inject", "client", "robot", "doctor", "doctor/page", "tokens"} {
		p, built := all[folder]
		if !built {
			t.Errorf("there is no %s", folder)
		}
		for _, path := range p.Deps {
			if strings.HasPrefix(path, "github.com/caddyserver/caddy/") {
				t.Errorf("%s depends on %s", folder, path)
			}
		}
	}
	for folder, allowed := range map[string][]string{
		"tokens": {"go.uber.org/zap", "go.uber.org/zap/zapcore", "github.com/patrickmn/go-cache", "github.com/caddyserver/certmagic", "golang.org/x/sync/singleflight"},
		"signer": nil, "oapi": nil, "client": nil, "robot": nil,
	} {
		for _, path := range all[folder].Imports {
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", folder, path)
			}
		}
	}
}

// inSource calls back for each node of all production files outside of some
// folders.
func inSource(t *testing.T, but []string, node func(folder, place string, n ast.Node)) {
	t.Helper()
	for folder, p := range production(t) {
		if slices.Contains(but, folder) {
			continue
		}
		for _, name := range p.GoFiles {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if n != nil {
					node(folder, folder+"/"+name+":"+strconv.Itoa(set.Position(n.Pos()).Line), n)
				}
				return true
			})
		}
	}
}

// text returns what a string literal holds.
func text(n ast.Node) string {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(literal.Value)
	return s
}

// isRequest reports whether an expression is named as requests are.
func isRequest(x ast.Expr) bool {
	var name string
	switch x := x.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	return slices.Contains([]string{"r", "req", "request", "Request"}, name)
}

// TestOnlyVisitJudgesARequest: who asks, from where and whether that is believed is
// found out once.
func TestOnlyVisitJudgesARequest(t *testing.T) {
	// signer has the table of forwarding headers, the doctors explain what they saw.
	inSource(t, []string{"visit", "signer", "doctor", "doctor/examine", "cmd/caddy"}, func(_, place string, n ast.Node) {
		if strings.HasPrefix(text(n), "X-Forwarded-") {
			t.Errorf("%s: the header %s is read in visit", place, text(n))
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return
		}
		switch s.Sel.Name {
		case "TrustedProxyVarKey":
			t.Errorf("%s: whether a proxy is trusted is known to visit", place)
		case "TLS", "Host", "RemoteAddr":
			if isRequest(s.X) {
				t.Errorf("%s: the request's %s is judged in visit", place, s.Sel.Name)
			}
		}
	})
}

// TestOnlyDoctorWordsCures: cures are told in two languages, and nobody else speaks
// Chinese but pages, messages and help texts as a whole.
func TestOnlyDoctorWordsCures(t *testing.T) {
	inSource(t, []string{"doctor", "doctor/page", "doctor/examine", "login", "robot", "robot/alert", "internal/command", "cmd/caddy"}, func(_, place string, n ast.Node) {
		if s := text(n); strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: %q is said in doctor", place, s)
		}
	})
}

// tracked are the files of the repository.
func tracked(t *testing.T) []string {
	t.Helper()
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = testsite.Root()
	out, err := list.Output()
	if err != nil {
		t.Skipf("this is no repository: %v", err)
	}
	files := strings.Fields(string(out))
	return slices.DeleteFunc(files, func(name string) bool { // deleted, not yet committed
		_, err := fs.Stat(testsite.Files(), name)
		return err != nil
	})
}

func TestTheRootHasOneProductionFileAndTheFoldersOfTheHouse(t *testing.T) {
	files := []string{"module.go", "go.mod", "go.sum", "README.md", "README.zh-CN.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile"}
	folders := []string{"cmd", "internal", "docs", "testdata", "npm"}
	for _, f := range house {
		for _, r := range f.rooms {
			first, _, _ := strings.Cut(r, "/")
			folders = append(folders, first)
		}
	}
	internals := []string{"command"}
	for _, b := range backyard {
		internals = append(internals, strings.TrimPrefix(b, "internal/"))
	}
	for _, name := range tracked(t) {
		folder, rest, inFolder := strings.Cut(name, "/")
		switch {
		case strings.HasPrefix(name, "."):
		case !inFolder:
			if !slices.Contains(files, name) && !strings.HasSuffix(name, "_test.go") {
				t.Errorf("%s has no place at the root", name)
			}
		case !slices.Contains(folders, folder):
			t.Errorf("%s is in a folder that the house does not have", name)
		case folder == "internal":
			if inner, _, _ := strings.Cut(rest, "/"); !slices.Contains(internals, inner) {
				t.Errorf("%s is in a folder that internal does not have", name)
			}
		case folder == "testdata":
			if ext := filepath.Ext(name); slices.Contains([]string{".go", ".js", ".mjs", ".py", ".sh"}, ext) {
				t.Errorf("%s is a program, not data", name)
			}
		}
	}
}
