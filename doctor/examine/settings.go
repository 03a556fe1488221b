package examine

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// settings checks what the handler is told. The configuration with its
// placeholders resolved is nil where it cannot be used.
func settings(p place) (*config.Config, []Check) {
	if p.err != nil {
		return nil, []Check{bad("config", say("the handler cannot be read: %v", "读不懂这个指令的配置：%v", p.err),
			say("Correct the field that the message names, then run the doctor again.", "请改正消息里提到的字段，再检查一次"))}
	}
	secrets := secretsCheck(&p.config)
	if missing := missing(p.raw); len(missing) > 0 {
		return nil, []Check{bad("config", doctor.Join(missing, "; ", "；"), missingAdvice), secrets}
	}
	resolved, err := resolve(&p.config)
	if err == nil {
		err = config.Validate(resolved)
	}
	if err != nil {
		return nil, []Check{bad("config", doctor.Of(err), say("Correct this field of the dingtalk directive, then run the doctor again.", "请改正 dingtalk 指令的这个字段，再检查一次")), secrets}
	}
	config.SetDefaults(resolved)
	if unused := config.UnusedBase(resolved); unused != nil {
		return resolved, []Check{warn("config", doctor.Of(unused), say("Correct this line of the dingtalk directive.", "请改正 dingtalk 指令的这一行")), secrets}
	}
	return resolved, []Check{good("config", say("complete, every placeholder has a value", "完整，每个占位符都有值")), secrets}
}

// resolve is config.Resolve with errors that quote no secret.
func resolve(c *config.Config) (*config.Config, error) {
	for name, s := range c.Secrets() {
		if _, err := caddy.NewReplacer().ReplaceOrErr(string(*s), true, true); err != nil && !s.Placeholder() {
			return nil, doctor.Wrong("%s holds a brace that begins no placeholder: write nothing but {env.NAME} or {file./path}", name)
		}
	}
	resolved, err := config.Resolve(*c, caddy.NewReplacer())
	return &resolved, err
}

// maxTold is how many secrets are told where all is well.
const maxTold = 4

// secretsCheck warns of secrets that everybody sees who may read the
// configuration.
func secretsCheck(c *config.Config) Check {
	const name = "secrets"
	var plain []string
	var placeholders []doctor.Text
	lost := false
	given := c.Secrets()
	for _, field := range slices.Sorted(maps.Keys(given)) {
		switch secret := *given[field]; {
		case secret == "":
		case secret.Placeholder() && !filled(string(secret)):
			lost = true
		case secret.Placeholder():
			placeholders = append(placeholders, say("%s comes from %s", "%s 来自 %s", field, secret))
		default:
			plain = append(plain, field)
		}
	}
	switch {
	case len(plain) > 0:
		stand := "stands"
		if len(plain) > 1 {
			stand = "stand"
		}
		return warn(name, say("%[1]s %[2]s in the configuration in plain text", "%[1]s 以明文写在配置里", strings.Join(plain, ", "), stand),
			say("Write %s or %s. {$NAME} counts as plain text: Caddy replaces it while it reads "+
				"the Caddyfile, and the secret then stands in the admin API's /config/ and in autosave.json.",
				"请写成 %s 或 %s。{$NAME} 也算明文：Caddy 读 Caddyfile 时就把它换掉了，密钥会出现在管理接口的 /config/ 和 autosave.json 里",
				secretLine(c, plain[0], "{env.NAME%s}"), secretLine(c, plain[0], "{file./path%s}")))
	case len(placeholders) > maxTold:
		return good(name, say("%s, and so on: %d in all", "%s，等等，共 %d 处", doctor.Join(placeholders[:maxTold], ", ", "，"), len(placeholders)))
	case len(placeholders) > 0:
		return good(name, doctor.Join(placeholders, ", ", "，"))
	}
	if lost {
		return unchecked(name, say("no placeholder of a secret has a value", "密钥的占位符都没有值"))
	}
	return unchecked(name, say("there is none", "没有密钥"))
}

// secretLine is the line of a secret with a placeholder in its place; the placeholder of
// further ones in the same line has a number.
func secretLine(c *config.Config, field, placeholder string) string {
	line := field[strings.LastIndexByte(field, ' ')+1:]
	first := fmt.Sprintf(placeholder, "")
	switch {
	case field == "login staff_app secret":
		return "staff_app " + c.Login.StaffApp.AppKey + " " + first
	case !strings.HasPrefix(field, "login key "):
		return line + " " + first
	}
	line = "key"
	for i, key := range c.Login.Key {
		switch {
		case key.Placeholder():
			line += " " + string(key)
		case i == 0:
			line += " " + first
		default:
			line += " " + fmt.Sprintf(placeholder, strconv.Itoa(i+1))
		}
	}
	return line
}

// filled reports whether each placeholder of a text has a value.
func filled(text string) bool {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if source(m[1], m[2]) != (doctor.Text{}) {
			return false // Caddy would log it
		}
	}
	_, err := caddy.NewReplacer().ReplaceOrErr(text, true, true)
	return err == nil
}

var missingAdvice = say("Caddy does not start without it. Set the variable (systemd: Environment= or EnvironmentFile= of the unit) or fill the "+
	"file, and run the doctor as the same user and with the same environment as Caddy.",
	"没有它 Caddy 无法启动。请设置这个变量（systemd：unit 里的 Environment= 或 EnvironmentFile=）或填好这个文件，并用与 Caddy 相同的用户和环境运行检查")

// placeholder matches those that are read from outside, and what they read.
var placeholder = regexp.MustCompile(`\{(env|file)\.([^{}]*)\}`)

// missing says which variables and files are named in the handler's fields and
// are empty or not there. Storage modules have placeholders of their own.
func missing(raw []byte) (out []doctor.Text) {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	delete(fields, "storage")
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, text := range texts(fields[name]) {
			for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
				if problem := source(m[1], m[2]); problem != (doctor.Text{}) {
					out = append(out, say("%s %s: %s", "%s %s：%s", name, m[0], problem))
				}
			}
		}
	}
	return out
}

func texts(field any) (out []string) {
	switch v := field.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			out = append(out, texts(item)...)
		}
	case map[string]any: // a tenant, a suite, login
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, texts(v[name])...)
		}
	}
	return out
}

// source says what is wrong with a variable or a file that a value comes from.
func source(kind, name string) doctor.Text {
	if kind == "env" {
		value, set := os.LookupEnv(name)
		switch {
		case !set:
			return say("the environment variable %s is not set", "没有设置环境变量 %s", name)
		case strings.TrimSpace(value) == "":
			return say("the environment variable %s is empty", "环境变量 %s 是空的", name)
		}
		return doctor.Text{}
	}
	content, err := os.ReadFile(name)
	var failed *os.PathError
	switch {
	case errors.As(err, &failed):
		return say("the file %s cannot be read: %v", "读不了文件 %s：%v", name, failed.Err)
	case err != nil:
		return say("the file %s cannot be read", "读不了文件 %s", name)
	case strings.TrimSpace(string(content)) == "":
		return say("the file %s is empty", "文件 %s 是空的", name)
	}
	return doctor.Text{}
}
