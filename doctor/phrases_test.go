package doctor

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// sayings are the sentences that the sources of a folder hold, with the verbs of fmt for
// what is only known when they are said.
func sayings(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v %v", folder, files, err)
	}
	found := make(map[string]string)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			x, is := n.(ast.Expr)
			if !is {
				return true
			}
			if call, is := x.(*ast.CallExpr); is && logs(call) {
				return false // the log is English
			}
			text, whole := folded(x)
			if language.English(text) != "" {
				found[text] = set.Position(n.Pos()).String()
			}
			return !whole
		})
	}
	return found
}

// logs reports whether a call writes to the log.
func logs(call *ast.CallExpr) bool {
	method, is := call.Fun.(*ast.SelectorExpr)
	return is && slices.Contains([]string{"Debug", "Info", "Warn", "Error", "With"}, method.Sel.Name)
}

// folded is what an expression of texts says, and whether it is one.
func folded(x ast.Expr) (text string, whole bool) {
	switch x := x.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			text, _ = strconv.Unquote(x.Value)
			return text, true
		}
	case *ast.BinaryExpr:
		if x.Op != token.ADD {
			return "", false
		}
		left, isLeft := folded(x.X)
		right, isRight := folded(x.Y)
		if !isLeft && !isRight {
			return "", false
		}
		if !isLeft {
			left = "%s"
		}
		if !isRight {
			right = "%s"
		}
		return left + right, true
	}
	return "", false
}

// TestWhatTheGroundFloorSaysIsSaidInChinese: it knows English only, and what it says may
// stand within a sentence of either language.
func TestWhatTheGroundFloorSaysIsSaidInChinese(t *testing.T) {
	for _, folder := range []string{"signer", "oapi", "robot", "tokens", "tenant/suite"} {
		texts := sayings(t, folder)
		if len(texts) == 0 {
			t.Errorf("%s says nothing", folder)
		}
		for en, where := range texts {
			said := strings.NewReplacer("%d", "7", "%q", `"x"`, "%s", "x", "%w", "x", "%v", "x").Replace(en)
			if words := language.English(chinese(said)); words != "" && !strings.HasPrefix(en, "cannot ") && !strings.HasPrefix(en, "a list of ") { // begins of log lines, parts of others
				t.Errorf("%s: %q has no Chinese words in phrases: %s", where, en, chinese(said))
			}
		}
	}
	for en, zh := range phrases {
		if words := language.English(zh); words != "" {
			t.Errorf("%q is not Chinese", zh)
		}
		if len(verb.FindAllString(en, -1)) != len(verb.FindAllString(zh, -1)) {
			t.Errorf("the arguments of %q are not those of %q", en, zh)
		}
	}
}

// TestAnErrorThatIsTextOnlyIsToldInChinese: Caddy passes on what its adapter says as text.
func TestAnErrorThatIsTextOnlyIsToldInChinese(t *testing.T) {
	for en, zh := range map[string]string{
		`adapting config using caddyfile: parsing caddyfile tokens for 'dingtalk': unrecognized subdirective "agentid": did you mean agent_id?, at Caddyfile:7`: `用 caddyfile 转换配置：读取 dingtalk：没有子指令 "agentid"：是不是想写 agent_id？, at Caddyfile:7`,
		`public_origin: "h5.example.com" must be written https://host or https://host:port: it must begin with http:// or https://`:                             `public_origin: "h5.example.com" 要写成 https://主机 或 https://主机:端口：要以 http:// 或 https:// 开头`,
		`unrecognized line "endpoint" in tenant: there are app_key and app_secret`:                                                                              `tenant 里没有 "endpoint"：这里有 app_key 和 app_secret`,
		`unrecognized line "tokn" in suite: did you mean token?`:                                                                                                `suite 里没有 "tokn"：是不是想写 token？`,
		`unrecognized line "endpoint" in login, at Caddyfile:7`:                                                                                                 `login 里没有 "endpoint", at Caddyfile:7`,
		"calling x: the answer is longer than 64 KiB":                                                                                                           "calling x: 回应超过 64 KiB",
		`text.at names 51 people: DingTalk tells at most 50, use isAtAll for everybody`:                                                                         "text.at 点了 51 个人：钉钉最多通知 50 个，通知所有人请用 isAtAll",
		"The robot has IP地址（段） on: add 203.0.113.7, the address that DingTalk saw, to it in the robot's settings (安全设置). It takes IPv4 only; calls through a proxy need the proxy's address.": "机器人开启了 IP地址（段）：请在机器人的设置（安全设置）里加上203.0.113.7（钉钉看到的地址）。只支持 IPv4；走代理的要加代理的地址。",
		"$1 storing: $2": "$1 写入：$2",
	} {
		if got := Of(errors.New(en)); got.EN != en || got.ZH != zh {
			t.Errorf("%s\nis told as\n%s\nnot as\n%s", en, got.ZH, zh)
		}
	}
}
