package caddyfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

// notStorage is a module of the namespace of storages that is none.
type notStorage struct{}

func (notStorage) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.storage.not_one", New: func() caddy.Module { return new(notStorage) }}
}

func (*notStorage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { return nil }

func init() { caddy.RegisterModule(notStorage{}) }

const secretText = "PLAIN-s3cret"

// base is a complete directive without its last line; what is added to it stands
// in line 7.
const base = `
dingtalk {
	app_key    key
	app_secret ` + secretText + `
	corp_id    ding1
	agent_id   1
`

// mistakes are lines that are added to base, the line that the error names, and what
// it must say.
var mistakes = map[string]struct {
	add   string
	line  int
	words []string
}{
	"a slip of one letter":             {"url_polcy raw", 7, []string{`"url_polcy"`, "did you mean url_policy?"}},
	"a slip of two letters":            {"publik_orgin https://a.test", 7, []string{"did you mean public_origin?"}},
	"a hyphen":                         {"app-key x", 7, []string{"did you mean app_key?"}},
	"camel case, as in dd.config":      {"jsApiList a", 7, []string{"did you mean js_api_list?"}},
	"capitals":                         {"CorpId x", 7, []string{"did you mean corp_id?"}},
	"the console's new name for a key": {"client_id x", 7, []string{"app_key"}},
	"what is a global option":          {"trusted_proxies static private_ranges", 7, []string{"global options", "servers {"}},
	"names with commas":                {"js_api_list biz.a,biz.b", 7, []string{"js_api_list", "with spaces between them, without commas"}},
	"names as in JavaScript":           {`js_api_list ["biz.a"]`, 7, []string{"js_api_list", "without commas, quotes or brackets"}},
	"a header without the URL":         {"forwarded X-Forwarded-For", 7, []string{"forwarded", "nothing of the URL", "remove it"}},
	"a header that is never read":      {"forwarded x-forwarded-ssl", 7, []string{"forwarded", "X-Forwarded-Proto", "remove it"}},
	"the header Host":                  {"forwarded host", 7, []string{"forwarded", "always read"}},
	"a doctor that is switched":        {"doctor off", 7, []string{"doctor", "leave out the line"}},
	"something else":                   {"robot_token x", 7, []string{`"robot_token"`, "README"}},
	"something short":                  {"x y", 7, []string{`"x"`, "README"}},
	"a block where there is none":      {"hash sha1 {\n}", 7, []string{`"{"`}},
	"given twice":                      {"hash sha1\nhash sha256", 8, []string{"hash is given twice", "keep one line"}},
	"a list given twice":               {"forwarded X-A\nhash sha1\nforwarded X-B", 9, []string{"forwarded is given twice", "takes all its values there"}},
	"corp_id given twice":              {"corp_id ding2", 7, []string{"corp_id is given twice"}},
	"a text without a value":           {"endpoint", 7, []string{"endpoint takes exactly one argument"}},
	"a text with an empty value":       {`endpoint ""`, 7, []string{"endpoint takes exactly one argument"}},
	"a text with two values":           {"endpoint /a /b", 7, []string{"endpoint takes exactly one argument"}},
	"a secret without a value":         {"corp_secret", 7, []string{"corp_secret takes exactly one argument"}},
	"a secret with two values":         {"corp_secret " + secretText + " x", 7, []string{"corp_secret takes exactly one argument"}},
	"a list without a value":           {"public_origin", 7, []string{"public_origin takes one or more arguments"}},
	"a list with an empty value":       {`js_api_list a ""`, 7, []string{"js_api_list", "empty value", "remove it"}},
	"a number without a value":         {"type", 7, []string{"type takes exactly one argument"}},
	"a number with two values":         {"type 0 1", 7, []string{"type takes exactly one argument"}},
	"a number that is none":            {"type app", 7, []string{"type", `"app"`, "write 0 or 1"}},
	"a number out of range":            {"type 2", 7, []string{"type", "0 (app) or 1 (service window)"}},
	"a time without a value":           {"ticket_wait", 7, []string{"ticket_wait takes exactly one argument"}},
	"a time with two values":           {"ticket_wait 1 s", 7, []string{"ticket_wait takes exactly one argument"}},
	"a time that is none":              {"ticket_wait soon", 7, []string{"ticket_wait", `"soon"`, "2s or 500ms"}},
	"a time without a unit":            {"ticket_wait 2", 7, []string{"ticket_wait", `"2"`, "2s or 500ms"}},
	"a time of nothing":                {"ticket_wait 0s", 7, []string{"ticket_wait", `"0s"`, "2s or 500ms"}},
	"a time below nothing":             {"ticket_wait -1s", 7, []string{"ticket_wait", `"-1s"`, "2s or 500ms"}},
	"a time that is too long":          {"ticket_wait 2m", 7, []string{"ticket_wait", "1ms to 1m"}},
	"a word that is none of the words": {"hash md5", 7, []string{"hash", `"md5"`, "sha1, sha256"}},
	"a policy that is none":            {"url_policy none", 7, []string{"url_policy", "decoded, query_decoded, raw"}},
	"an API that is none":              {"api v2", 7, []string{"api", "legacy, v1"}},
	"an origin with a path":            {"public_origin https://a.test https://b.test/app", 7, []string{"public_origin", `"https://b.test/app"`, "without a path"}},
	"an origin without a scheme":       {"allow_origin a.test", 7, []string{"allow_origin", "https://host"}},
	"an endpoint that is no path":      {"endpoint dingtalk", 7, []string{"endpoint", "write /dingtalk"}},
	"a header that is none":            {"forwarded X_Original_URI", 7, []string{"forwarded", "letters, digits and hyphens"}},
	"a script that is no URL":          {"jsapi_url dingtalk.js", 7, []string{"jsapi_url", "https://host/path"}},
	"a base that is not http":          {"api_base ftp://a.test", 7, []string{"api_base", "https://host"}},
	"a doctor with two tokens":         {"doctor " + secretText + " x", 7, []string{"doctor takes at most one argument", "{env.NAME}"}},
	"a doctor with an empty token":     {`doctor ""`, 7, []string{"doctor takes at most one argument"}},
	"a doctor with a strange token":    {"doctor " + secretText + "+", 7, []string{"doctor", "letters, digits"}},
	"a doctor with a block":            {"doctor {\n}", 7, []string{`"{"`}},
	"a base with /v1.0":                {"oapi_base https://a.test/v1.0", 7, []string{"oapi_base", "without /v1.0"}},
	"a name with dd.":                  {"js_api_list dd.biz.x", 7, []string{"js_api_list", "without dd.: biz.x"}},
	"an error in a later line":         {"hash sha1\n\n# a comment\nendpoint x", 10, []string{"endpoint"}},
	"a storage without a name":         {"storage", 7, []string{"storage takes the name of a storage module", "storage file_system"}},
	"a storage that is unknown":        {"storage floppy", 7, []string{"caddy.storage.floppy"}},
	"a module that is no storage":      {"storage not_one", 7, []string{"not_one is not a storage"}},
	"a storage that is set up badly":   {"storage file_system /a /b", 7, []string{"wrong argument count"}},
	"two kinds of credential":          {"corp_secret x", 2, []string{"more than one kind of credential", "keep"}},
	"two kinds with a service window":  {"channel_secret x", 2, []string{"more than one kind of credential", "keep"}},
}

func TestErrors(t *testing.T) {
	for name, tt := range mistakes {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, base+tt.add+"\n}\n")
			fails(t, err, tt.line, tt.words...)
		})
	}
}

func TestErrorsOfTheWholeDirective(t *testing.T) {
	tests := map[string]struct {
		text  string
		line  int
		words []string
	}{
		"an argument":      {"\ndingtalk on {\n\tapp_key x\n}", 2, []string{"no arguments", `"on"`, "block"}},
		"no block":         {"\n\ndingtalk", 3, []string{"no credential", "add app_key and app_secret"}},
		"an empty block":   {"dingtalk {\n}", 1, []string{"no credential", "add app_key and app_secret"}},
		"no credential":    {"\ndingtalk {\n\tcorp_id c\n\tagent_id 1\n}", 2, []string{"no credential"}},
		"app_key alone":    {"\ndingtalk {\n\tapp_key k\n\tcorp_id c\n\tagent_id 1\n}", 2, []string{"add app_secret"}},
		"app_secret alone": {"\ndingtalk {\n\tapp_secret " + secretText + "\n\tcorp_id c\n\tagent_id 1\n}", 2, []string{"add app_key"}},
		"no corp_id":       {"\ndingtalk {\n\tcorp_secret " + secretText + "\n\tagent_id 1\n}", 2, []string{"corp_id is missing"}},
		"no agent_id":      {"\ndingtalk {\n\tcorp_secret " + secretText + "\n\tcorp_id c\n}", 2, []string{"agent_id is missing"}},
		"a corp with v1":   {"\ndingtalk {\n\tcorp_secret " + secretText + "\n\tcorp_id c\n\tagent_id 1\n\tapi v1\n}", 2, []string{"remove api v1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, tt.text)
			fails(t, err, tt.line, tt.words...)
		})
	}
}

// fails asserts that an error names its place and holds all of the words, but no
// secret.
func fails(t *testing.T, err error, line int, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, word := range append(words, fmt.Sprintf("Caddyfile:%d", line)) {
		if !strings.Contains(err.Error()+"\n", word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	if !strings.HasSuffix(err.Error(), fmt.Sprintf("Caddyfile:%d", line)) {
		t.Errorf("the error names another line than %d: %v", line, err)
	}
	if strings.Contains(err.Error(), secretText) {
		t.Errorf("the error tells a secret: %v", err)
	}
}

func TestSuggestions(t *testing.T) {
	tests := map[string]string{
		"appkey": "app_key", "appSecret": "app_secret", "corpId": "corp_id", "agentid": "agent_id", "js-api-list": "js_api_list",
		"hsah": "hash", "xxhash": "hash", "gent_id": "agent_id", "enndpooint": "endpoint", "xendpont": "endpoint", "endpiont": "endpoint", "forward": "forwarded", "public_origins": "public_origin", "ticketwait": "ticket_wait",
		"oapi": "api", "apibase": "api_base", "": "", "proxy": "", "secret": "", "signature_method": "",
	}
	for in, want := range tests {
		got := config.Suggestion(in).EN
		if want == "" {
			if strings.Contains(got, "did you mean") || !strings.Contains(got, "README") {
				t.Errorf("%s%s", in, got)
			}
		} else if got != ": did you mean "+want+"?" {
			t.Errorf("%s%s, want %s", in, got, want)
		}
	}
}
