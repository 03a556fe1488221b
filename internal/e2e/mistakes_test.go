package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// TestAMistakeIsToldByValidateAndInChineseByTheDoctor runs both commands as a newcomer does.
// MISTAKE is a file with a secret that is more than that.
func TestAMistakeIsToldByValidateAndInChineseByTheDoctor(t *testing.T) {
	const secret = "s3cret-of-the-app"
	site := func(lines string) string {
		return "http://h5.example.com {\n\tdingtalk {\n\t\tapp_key dingkey\n\t\tcorp_id ding1\n\t\tagent_id 1\n" + lines + "\t}\n}\n"
	}
	for name, test := range map[string]struct {
		file, caddyfile    string
		validate, examined string
	}{
		"a file with JSON":      {`{"AppSecret":"` + secret + `"}`, site("\t\tapp_secret {file.MISTAKE}\n"), "its value is JSON or YAML", "它的值是 JSON 或 YAML"},
		"a file of an env file": {"APP_SECRET=" + secret, site("\t\tapp_secret {file.MISTAKE}\n"), "keep what stands behind the =", "请只保留 = 后面的部分"},
		"a file without a path": {secret, site("\t\tapp_secret {file.secret}\n"), "as in {file./run/secrets/secret}", "请写文件的完整路径"},
		"a file's path":         {secret, site("\t\tapp_secret MISTAKE\n"), "write {file.MISTAKE}, at Caddyfile:6", "请写成 {file.MISTAKE}"},
		"a switch":              {secret, site("\t\tapp_secret {file.MISTAKE}\n\t\tlogin {\n\t\t\tjwt true\n\t\t}\n"), "such as jwt my-app", "例如 jwt my-app"},
		"a } that is missing":   {secret, strings.TrimSuffix(site(""), "\t}\n}\n"), "unexpected EOF", "缺少 }"},
		"a slip in dingtalk":    {secret, strings.Replace(site(""), "dingtalk {", "dingtlak {", 1), "unrecognized directive: dingtlak", "请检查 dingtlak 有没有写错"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testsite.Folder(t)
			file := filepath.Join(dir, "mistake")
			for path, text := range map[string]string{file: test.file, filepath.Join(dir, "Caddyfile"): strings.ReplaceAll(test.caddyfile, "MISTAKE", file)} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for words, args := range map[string][]string{
				test.validate: {"validate", "--config", "Caddyfile"},
				test.examined: {"dingtalk", "doctor", "--config", "Caddyfile", "--lang", "zh"},
			} {
				cmd := testsite.Command(t, dir, args...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				if err == nil || !strings.Contains(string(out), strings.ReplaceAll(words, "MISTAKE", file)) || strings.Contains(string(out), secret) {
					t.Errorf("%s: %v, want %q:\n%s", args[0], err, words, out)
				}
			}
		})
	}
}
