package login

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// TestEveryCodeHasAStatusAndACureInBothLanguages reads the codes from the source, so that
// none is forgotten.
func TestEveryCodeHasAStatusAndACureInBothLanguages(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := ownCodes[:len(ownCodes):len(ownCodes)]
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Code" {
			text, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			codes = append(codes, Code(text))
			if statuses[Code(text)] == 0 {
				t.Errorf("%s has no status", text)
			}
		}
		return true
	})
	if len(codes) < 25 {
		t.Fatalf("only %q were found", codes)
	}
	for _, code := range codes {
		if en, zh := Advice(code, doctor.English), Advice(code, doctor.Chinese); en == "" || zh == "" || en == zh {
			t.Errorf("%s: %q / %q", code, en, zh)
		}
	}
}
