package config

import (
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Each rule of a field, with a value on either side of it.
func TestFields(t *testing.T) {
	good := map[string]func(*Config){
		"app_key":                        func(c *Config) { c.AppKey = "dingoa!7x~" },
		"corp_id":                        func(c *Config) { c.CorpID = "ding0123456789abcdef" },
		"agent_id":                       func(c *Config) { c.AgentID = "1234567890" },
		"js_api_list":                    func(c *Config) { c.JSAPIList = []string{"biz.contact.choose", "device.notification.alert"} },
		"type 0":                         func(c *Config) { c.Type = number(0) },
		"type 1":                         func(c *Config) { c.Type = number(1) },
		"public_host":                    func(c *Config) { c.PublicHost = []string{"a.test", "*.b.test", "*"} },
		"public_origin":                  func(c *Config) { c.PublicOrigin = []string{"https://a.test", "http://b.test:8080", "https://[::1]"} },
		"allow_origin":                   func(c *Config) { c.AllowOrigin = []string{"https://a.test:443"} },
		"forwarded":                      func(c *Config) { c.Forwarded = []string{"X-Forwarded-Port", "Forwarded", "x-my-2"} },
		"url_policy query_decoded":       func(c *Config) { c.URLPolicy = "query_decoded" },
		"url_policy raw":                 func(c *Config) { c.URLPolicy = "raw" },
		"url_policy decoded":             func(c *Config) { c.URLPolicy = "decoded" },
		"hash sha1":                      func(c *Config) { c.Hash = "sha1" },
		"hash sha256":                    func(c *Config) { c.Hash = "sha256" },
		"endpoint":                       func(c *Config) { c.Endpoint = "/az/AZ/09-._~" },
		"endpoint of dots that are none": func(c *Config) { c.Endpoint = "/..." },
		"jsapi_url https": func(c *Config) {
			c.JSAPIURL = "https://g.alicdn.com/dingding/dingtalk-jsapi/2.13.42/dingtalk.open.js?x=~1"
		},
		"jsapi_url http":                 func(c *Config) { c.JSAPIURL = "http://g.test/a.js" },
		"jsapi_url of the page's scheme": func(c *Config) { c.JSAPIURL = "//g.test/a.js" },
		"api v1":                         func(c *Config) { c.API = "v1" },
		"api legacy":                     func(c *Config) { c.API = "legacy" },
		"api_base":                       func(c *Config) { c.APIBase = "http://127.0.0.1:9999" },
		"api_base with a slash":          func(c *Config) { c.APIBase = "https://api.example.com/" },
		"oapi_base with a path":          func(c *Config) { c.OAPIBase = "https://gateway.example.com/dingtalk" },
		"ticket_wait 1ms":                func(c *Config) { c.TicketWait = caddy.Duration(time.Millisecond) },
		"ticket_wait 1m":                 func(c *Config) { c.TicketWait = caddy.Duration(time.Minute) },
		"doctor":                         func(c *Config) { c.Doctor = new(Doctor) },
		"doctor with a token":            func(c *Config) { c.Doctor = &Doctor{Token: "0aZ-._~890123456"} },
	}
	for name, set := range good {
		t.Run(name, func(t *testing.T) {
			c := app()
			set(&c)
			if err := Validate(&c); err != nil {
				t.Error(err)
			}
		})
	}

	bad := map[string]struct {
		set   func(*Config)
		words string // of the error, after the name of the field
	}{
		"app_key with a space":                {func(c *Config) { c.AppKey = "a b" }, "developer console"},
		"app_key that is not in ASCII":        {func(c *Config) { c.AppKey = "键" }, "developer console"},
		"corp_id with a line break":           {func(c *Config) { c.CorpID = "ding1\n" }, "developer console"},
		"agent_id with a tab":                 {func(c *Config) { c.AgentID = "1\t" }, "developer console"},
		"js_api_list with dd.":                {func(c *Config) { c.JSAPIList = []string{"dd.biz.contact.choose"} }, "without dd.: biz.contact.choose"},
		"api_base with a password":            {func(c *Config) { c.APIBase = "https://user:s3cret@api.test" }, "without a user name or password"},
		"oapi_base with a broken password":    {func(c *Config) { c.OAPIBase = "https://user:s3cret%@api.test" }, "without a user name or password"},
		"js_api_list with a space":            {func(c *Config) { c.JSAPIList = []string{"a", "b c"} }, "spaces between them"},
		"js_api_list with nothing in it":      {func(c *Config) { c.JSAPIList = []string{"a", ""} }, "remove it"},
		"type 2":                              {func(c *Config) { c.Type = number(2) }, "0 (app) or 1 (service window)"},
		"type -1":                             {func(c *Config) { c.Type = number(-1) }, "0 (app) or 1 (service window)"},
		"public_host with a scheme":           {func(c *Config) { c.PublicHost = []string{"https://a.test"} }, "without scheme"},
		"public_host with a port":             {func(c *Config) { c.PublicHost = []string{"a.test:8443"} }, "without scheme"},
		"public_host with a path":             {func(c *Config) { c.PublicHost = []string{"a.test/app"} }, "without scheme"},
		"public_host with two stars":          {func(c *Config) { c.PublicHost = []string{"*.*.test"} }, "without scheme"},
		"public_host with a star within":      {func(c *Config) { c.PublicHost = []string{"a*.test"} }, "without scheme"},
		"public_host that is empty":           {func(c *Config) { c.PublicHost = []string{""} }, "remove it"},
		"public_origin with a path":           {func(c *Config) { c.PublicOrigin = []string{"https://a.test", "https://b.test/app"} }, "without a path"},
		"public_origin with a slash":          {func(c *Config) { c.PublicOrigin = []string{"https://a.test/"} }, "without a path"},
		"public_origin without a scheme":      {func(c *Config) { c.PublicOrigin = []string{"a.test"} }, "https://"},
		"public_origin with a user":           {func(c *Config) { c.PublicOrigin = []string{"https://u@a.test"} }, "user"},
		"public_origin not as browsers do":    {func(c *Config) { c.PublicOrigin = []string{"https://中文.test"} }, "browser would show"},
		"public_origin with a wildcard":       {func(c *Config) { c.PublicOrigin = []string{"https://*.a.test"} }, "list the origins"},
		"public_origin that is empty":         {func(c *Config) { c.PublicOrigin = []string{""} }, "remove it"},
		"allow_origin with a query":           {func(c *Config) { c.AllowOrigin = []string{"https://a.test?x"} }, "without a path"},
		"allow_origin for all":                {func(c *Config) { c.AllowOrigin = []string{"*"} }, "list the origins"},
		"allow_origin null":                   {func(c *Config) { c.AllowOrigin = []string{"null"} }, "https://"},
		"forwarded with a colon":              {func(c *Config) { c.Forwarded = []string{"Forwarded:"} }, "letters, digits and hyphens"},
		"forwarded with an underscore":        {func(c *Config) { c.Forwarded = []string{"X_Original_URI"} }, "letters, digits and hyphens"},
		"forwarded with a space":              {func(c *Config) { c.Forwarded = []string{"X Original"} }, "letters, digits and hyphens"},
		"forwarded that is empty":             {func(c *Config) { c.Forwarded = []string{""} }, "remove it"},
		"url_policy in upper case":            {func(c *Config) { c.URLPolicy = "RAW" }, "decoded, query_decoded, raw"},
		"hash md5":                            {func(c *Config) { c.Hash = "md5" }, "sha1, sha256"},
		"endpoint without a slash":            {func(c *Config) { c.Endpoint = "dingtalk" }, "write /dingtalk"},
		"endpoint that is the root":           {func(c *Config) { c.Endpoint = "/" }, "/.dingtalk"},
		"endpoint with a slash at the end":    {func(c *Config) { c.Endpoint = "/x/" }, "write /x"},
		"endpoint with two slashes":           {func(c *Config) { c.Endpoint = "/x//y" }, "/.dingtalk"},
		"endpoint with dots":                  {func(c *Config) { c.Endpoint = "/x/../y" }, "/.dingtalk"},
		"endpoint with one dot":               {func(c *Config) { c.Endpoint = "/." }, "/.dingtalk"},
		"endpoint with a query":               {func(c *Config) { c.Endpoint = "/x?y" }, "/.dingtalk"},
		"endpoint with a percent sign":        {func(c *Config) { c.Endpoint = "/%41" }, "/.dingtalk"},
		"endpoint with a star":                {func(c *Config) { c.Endpoint = "/x*" }, "/.dingtalk"},
		"endpoint that is not in ASCII":       {func(c *Config) { c.Endpoint = "/钉" }, "/.dingtalk"},
		"jsapi_url that is a path":            {func(c *Config) { c.JSAPIURL = "/dingtalk.open.js" }, "https://host/path"},
		"jsapi_url without a scheme":          {func(c *Config) { c.JSAPIURL = "g.test/a.js" }, "https://host/path"},
		"jsapi_url that is data":              {func(c *Config) { c.JSAPIURL = "data:,x" }, "https://host/path"},
		"jsapi_url that is ftp":               {func(c *Config) { c.JSAPIURL = "ftp://g.test/a.js" }, "https://host/path"},
		"jsapi_url with a user":               {func(c *Config) { c.JSAPIURL = "https://u@g.test/a.js" }, "https://host/path"},
		"jsapi_url with a quote":              {func(c *Config) { c.JSAPIURL = `https://g.test/a.js?"` }, "https://host/path"},
		"jsapi_url with a bracket":            {func(c *Config) { c.JSAPIURL = "https://g.test/<" }, "https://host/path"},
		"jsapi_url that is not in ASCII":      {func(c *Config) { c.JSAPIURL = "https://g.test/钉" }, "https://host/path"},
		"jsapi_url with a space":              {func(c *Config) { c.JSAPIURL = "https://g.test/a b.js" }, "https://host/path"},
		"jsapi_url without a host":            {func(c *Config) { c.JSAPIURL = "https://:443/a.js" }, "https://host/path"},
		"jsapi_url that is broken":            {func(c *Config) { c.JSAPIURL = "https://[/a.js" }, "https://host/path"},
		"api v2":                              {func(c *Config) { c.API = "v2" }, "legacy, v1"},
		"api_base without a scheme":           {func(c *Config) { c.APIBase = "api.example.com" }, "https://host"},
		"api_base that is ftp":                {func(c *Config) { c.APIBase = "ftp://api.example.com" }, "https://host"},
		"api_base with /v1.0":                 {func(c *Config) { c.APIBase = "https://api.example.com/v1.0" }, "without /v1.0"},
		"api_base with /v1.0/":                {func(c *Config) { c.APIBase = "https://api.example.com/v1.0/" }, "without /v1.0"},
		"api_base with a query":               {func(c *Config) { c.APIBase = "https://api.example.com?" }, "https://host"},
		"api_base with a user":                {func(c *Config) { c.APIBase = "https://u:p@api.example.com" }, "https://host"},
		"oapi_base that is a file":            {func(c *Config) { c.OAPIBase = "file:///etc" }, "https://host"},
		"oapi_base with a fragment":           {func(c *Config) { c.OAPIBase = "https://oapi.example.com#" }, "https://host"},
		"oapi_base without a host":            {func(c *Config) { c.OAPIBase = "https://:443" }, "https://host"},
		"oapi_base that is broken":            {func(c *Config) { c.OAPIBase = "https://%zz" }, "https://host"},
		"ticket_wait below nothing":           {func(c *Config) { c.TicketWait = -1 }, "such as 2s"},
		"ticket_wait of 2, meant as seconds":  {func(c *Config) { c.TicketWait = 2 }, "such as 2s"},
		"ticket_wait longer than one minute":  {func(c *Config) { c.TicketWait = caddy.Duration(61 * time.Second) }, "such as 2s"},
		"doctor with a short token":           {func(c *Config) { c.Doctor = &Doctor{Token: "0123456789abcde"} }, "at least 16 characters"},
		"doctor with a plus in its token":     {func(c *Config) { c.Doctor = &Doctor{Token: "s3cret+"} }, "openssl rand -hex 16"},
		"doctor with a space in its token":    {func(c *Config) { c.Doctor = &Doctor{Token: "s3cret x"} }, "letters, digits"},
		"doctor with a token not in ASCII":    {func(c *Config) { c.Doctor = &Doctor{Token: "s3cret密"} }, "letters, digits"},
		"ticket_wait that is a little longer": {func(c *Config) { c.TicketWait = caddy.Duration(time.Minute + 1) }, "such as 2s"},
	}
	for name, tt := range bad {
		t.Run(name, func(t *testing.T) {
			c := app()
			tt.set(&c)
			field, _, _ := strings.Cut(name, " ")
			err := Validate(&c)
			complains(t, err, field+": ", tt.words)
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the secret: %v", err)
			}
			if got := Check(&c, field); got == nil || got.Error() != err.Error() {
				t.Errorf("Check: %v, Validate: %v", got, err)
			}
			for _, other := range checks {
				if other.name != field && Check(&c, other.name) != nil {
					t.Errorf("%s is wrong too: %v", other.name, Check(&c, other.name))
				}
			}
		})
	}
}

func TestFieldsTogether(t *testing.T) {
	tests := map[string]struct {
		in    Config
		words []string // of the error, none if there is none
	}{
		"an app":                  {in: app()},
		"a corp":                  {in: Config{CorpSecret: "s", CorpID: "c", AgentID: "1"}},
		"a service window":        {in: Config{ChannelSecret: "s", CorpID: "c", AgentID: "1"}},
		"a legacy app":            {in: Config{AppKey: "k", AppSecret: "s", API: "legacy", CorpID: "c", AgentID: "1"}},
		"an app of v1":            {in: Config{AppKey: "k", AppSecret: "s", API: "v1", CorpID: "c", AgentID: "1"}},
		"a corp that says legacy": {in: Config{CorpSecret: "s", API: "legacy", CorpID: "c", AgentID: "1"}},

		"nothing":               {Config{}, []string{"no credential", "add app_key and app_secret"}},
		"no credential":         {Config{CorpID: "c", AgentID: "1"}, []string{"no credential", "add app_key and app_secret"}},
		"app_key alone":         {Config{AppKey: "k", CorpID: "c", AgentID: "1"}, []string{"app_key", "add app_secret"}},
		"app_secret alone":      {Config{AppSecret: "s", CorpID: "c", AgentID: "1"}, []string{"app_secret", "add app_key"}},
		"an app and a corp":     {Config{AppKey: "k", AppSecret: "s", CorpSecret: "s", CorpID: "c", AgentID: "1"}, []string{"more than one kind of credential", "keep"}},
		"an app and a window":   {Config{AppKey: "k", AppSecret: "s", ChannelSecret: "s", CorpID: "c", AgentID: "1"}, []string{"more than one kind of credential", "keep"}},
		"a corp and a window":   {Config{CorpSecret: "s", ChannelSecret: "s", CorpID: "c", AgentID: "1"}, []string{"more than one kind of credential", "keep"}},
		"a corp and an app_key": {Config{AppKey: "k", CorpSecret: "s", CorpID: "c", AgentID: "1"}, []string{"more than one kind of credential", "keep"}},
		"a corp with api v1":    {Config{CorpSecret: "s", API: "v1", CorpID: "c", AgentID: "1"}, []string{"oapi.dingtalk.com", "remove api v1"}},
		"a window with api v1":  {Config{ChannelSecret: "s", API: "v1", CorpID: "c", AgentID: "1"}, []string{"oapi.dingtalk.com", "remove api v1"}},
		"no corp_id":            {Config{AppKey: "k", AppSecret: "s", AgentID: "1"}, []string{"corp_id is missing", "add corp_id"}},
		"no agent_id":           {Config{AppKey: "k", AppSecret: "s", CorpID: "c"}, []string{"agent_id is missing", "add agent_id"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for call, err := range map[string]error{"Complete": Complete(&tt.in), "Validate": Validate(&tt.in)} {
				if tt.words != nil {
					complains(t, err, tt.words...)
				} else if err != nil {
					t.Errorf("%s: %v", call, err)
				}
			}
		})
	}
}

// While a Caddyfile is parsed, a placeholder is a value like any other.
func TestPlaceholdersPassTheChecks(t *testing.T) {
	const p = "{env.LATER}"
	c := Config{
		AppKey: p, AppSecret: p, CorpID: p, AgentID: p, JSAPIList: []string{p}, PublicOrigin: []string{"https://" + p}, Forwarded: []string{p},
		URLPolicy: p, Hash: p, Endpoint: p, AllowOrigin: []string{p}, JSAPIURL: p, API: p, APIBase: p, OAPIBase: p, Doctor: &Doctor{Token: p},
	}
	for _, f := range checks {
		if err := Check(&c, f.name); err != nil {
			t.Error(err)
		}
	}
	if err := Complete(&c); err != nil {
		t.Error(err)
	}
	if err := Check(&c, "no_such_field"); err != nil {
		t.Errorf("a field without rules: %v", err)
	}
}
