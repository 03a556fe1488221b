package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// aesKey is one of DingTalk's published keys: its last character has bits that belong to
// no byte.
const aesKey = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"

// one is a tenant that is right, isv a suite.
func one() Tenant { return Tenant{CorpID: "ding111", AgentID: "1001", AppKey: "k", AppSecret: "s"} }

func isv() Suite { return Suite{SuiteKey: "suite9", SuiteSecret: "s", Token: "t", AESKey: aesKey} }

// many is a directive with nothing but one tenant and one suite.
func many() Config { return Config{Tenants: []Tenant{one()}, Suites: []Suite{isv()}} }

func TestTenantsAndSuitesThatAreRight(t *testing.T) {
	for name, set := range map[string]func(*Config){
		"one of each":                func(*Config) {},
		"tenants alone":              func(c *Config) { c.Suites = nil },
		"sign-in":                    func(c *Config) { c.Login = new(Login) },
		"suites alone":               func(c *Config) { c.Tenants = nil },
		"with a default tenant":      func(c *Config) { d := app(); d.Tenants, d.Suites = c.Tenants, c.Suites; *c = d },
		"two agents of one corp":     func(c *Config) { o := one(); o.AgentID = "1002"; c.Tenants = append(c.Tenants, o) },
		"a corp_secret":              func(c *Config) { c.Tenants[0] = Tenant{CorpID: "c", AgentID: "1", CorpSecret: "s"} },
		"a corp_secret under api v1": func(c *Config) { c.API, c.Tenants[0] = "v1", Tenant{CorpID: "c", AgentID: "1", CorpSecret: "s"} },
		"a service window":           func(c *Config) { c.Tenants[0] = Tenant{CorpID: "c", AgentID: "1", ChannelSecret: "s"} },
		"all lines of a tenant": func(c *Config) {
			c.Tenants[0].JSAPIList, c.Tenants[0].Type, c.Tenants[0].Hash = []string{"a.b"}, number(1), "sha256"
		},
		"hosts and paths": func(c *Config) {
			c.Tenants[0].Host, c.Tenants[0].Path = []string{"b.test", "*.c.test"}, []string{"/crm/*", "*.html"}
		},
		"a suite_ticket instead of pushes":  func(c *Config) { c.Suites[0].Token, c.Suites[0].AESKey, c.Suites[0].SuiteTicket = "", "", "any" },
		"an app_id and a callback":          func(c *Config) { c.Suites[0].AppID, c.Suites[0].Callback = "40001", "/ding/cb" },
		"a callback that only begins alike": func(c *Config) { c.Suites[0].Callback = "/.dingtalk-cb" },
	} {
		t.Run(name, func(t *testing.T) {
			c := many()
			set(&c)
			if err := Validate(&c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTenantsAndSuitesThatAreWrongNameTheBlockAndTheCure(t *testing.T) {
	for name, tt := range map[string]struct {
		set   func(*Config)
		words []string
	}{
		"a pair twice":                     {func(c *Config) { c.Tenants = append(c.Tenants, one()) }, []string{"tenant ding111 1001", "twice", "keep one"}},
		"the pair of the default tenant":   {func(c *Config) { c.CorpID, c.AgentID, c.CorpSecret = "ding111", "1001", "s" }, []string{"ding111 1001", "directive itself"}},
		"no credential":                    {func(c *Config) { c.Tenants[0].AppKey, c.Tenants[0].AppSecret = "", "" }, []string{"tenant ding111 1001", "no credential", "app_key"}},
		"two kinds of credential":          {func(c *Config) { c.Tenants[0].CorpSecret = "s" }, []string{"tenant ding111 1001", "more than one kind"}},
		"app_key alone":                    {func(c *Config) { c.Tenants[0].AppSecret = "" }, []string{"add app_secret"}},
		"no corp_id":                       {func(c *Config) { c.Tenants[0].CorpID = "" }, []string{"corp_id is missing"}},
		"no agent_id":                      {func(c *Config) { c.Tenants[0].AgentID = "" }, []string{"agent_id is missing"}},
		"a corp_id with a dot":             {func(c *Config) { c.Tenants[0].CorpID = "ding.1" }, []string{"corp_id", "letters, digits"}},
		"a corp_id that is long":           {func(c *Config) { c.Tenants[0].CorpID = strings.Repeat("x", 65) }, []string{"corp_id", "at most 64"}},
		"an agent_id that is a name":       {func(c *Config) { c.Tenants[0].AgentID = "crm" }, []string{"agent_id", "digits"}},
		"a hash that is none":              {func(c *Config) { c.Tenants[0].Hash = "md5" }, []string{"hash", "sha1, sha256"}},
		"a type that is none":              {func(c *Config) { c.Tenants[0].Type = number(2) }, []string{"type", "0 (app)"}},
		"a name with dd.":                  {func(c *Config) { c.Tenants[0].JSAPIList = []string{"dd.a.b"} }, []string{"js_api_list", "without dd."}},
		"a host with a scheme":             {func(c *Config) { c.Tenants[0].Host = []string{"https://b.test"} }, []string{"host", "without scheme"}},
		"a host that is all":               {func(c *Config) { c.Tenants[0].Host = []string{"*"} }, []string{"host", "b.example.com"}},
		"an empty host":                    {func(c *Config) { c.Tenants[0].Host = []string{""} }, []string{"host", "remove it"}},
		"a path without a slash":           {func(c *Config) { c.Tenants[0].Path = []string{"crm/*"} }, []string{"path", "write /crm/*"}},
		"a path with a query":              {func(c *Config) { c.Tenants[0].Path = []string{"/crm?x"} }, []string{"path", "without query"}},
		"a semicolon":                      {func(c *Config) { c.Tenants[0].AppKey = "k;" }, []string{"app_key", "ends without ;"}},
		"identifiers without a credential": {func(c *Config) { c.CorpID, c.AgentID = "ding1", "1" }, []string{"without a credential", "add app_key", "remove"}},
		"a default tenant with no agent":   {func(c *Config) { c.CorpID, c.CorpSecret = "ding1", "s" }, []string{"agent_id is missing"}},
		"a default corp with a dot":        {func(c *Config) { d := app(); d.CorpID, d.Tenants = "ding.1", c.Tenants; *c = d }, []string{"corp_id", "letters, digits"}},
		"a suite twice":                    {func(c *Config) { c.Suites = append(c.Suites, isv()) }, []string{"suite suite9", "twice"}},
		"two suites at one callback": {func(c *Config) {
			c.Suites[0].Callback = "/cb"
			other := c.Suites[0]
			other.SuiteKey = "suite8"
			c.Suites = append(c.Suites, other)
		}, []string{"suite8", "/cb", "suite9"}},
		"no suite_key":        {func(c *Config) { c.Suites[0].SuiteKey = "" }, []string{"suite_key is missing"}},
		"no suite_secret":     {func(c *Config) { c.Suites[0].SuiteSecret = "" }, []string{"suite9", "add suite_secret"}},
		"no token":            {func(c *Config) { c.Suites[0].Token = "" }, []string{"suite9", "add token"}},
		"no aes_key":          {func(c *Config) { c.Suites[0].AESKey = "" }, []string{"suite9", "add aes_key", "43"}},
		"neither of them":     {func(c *Config) { c.Suites[0].Token, c.Suites[0].AESKey = "", "" }, []string{"add token", "suite_ticket"}},
		"pushes and a ticket": {func(c *Config) { c.Suites[0].SuiteTicket = "x" }, []string{"suite_ticket", "keep"}},
		"a callback where none comes": {func(c *Config) {
			c.Suites[0] = Suite{SuiteKey: "s", SuiteSecret: "s", SuiteTicket: "x", Callback: "/cb"}
		}, []string{"remove callback"}},
		"an aes_key of 42":              {func(c *Config) { c.Suites[0].AESKey = Secret(aesKey[1:]) }, []string{"aes_key", "42 characters", "43"}},
		"an aes_key with its =":         {func(c *Config) { c.Suites[0].AESKey += "=" }, []string{"aes_key", "44 characters", "without a ="}},
		"an aes_key of other letters":   {func(c *Config) { c.Suites[0].AESKey = Secret("-" + aesKey[1:]) }, []string{"aes_key", "base64"}},
		"an aes_key with a line break":  {func(c *Config) { c.Suites[0].AESKey = Secret("\n" + aesKey[1:]) }, []string{"aes_key"}},
		"an app_id that is a name":      {func(c *Config) { c.Suites[0].AppID = "crm" }, []string{"app_id", "digits"}},
		"a callback without a slash":    {func(c *Config) { c.Suites[0].Callback = "cb" }, []string{"callback", "/cb"}},
		"a callback with a wildcard":    {func(c *Config) { c.Suites[0].Callback = "/cb/*" }, []string{"callback", "wildcard"}},
		"a callback under the endpoint": {func(c *Config) { c.Suites[0].Callback = "/.dingtalk/cb" }, []string{"callback", "leave out the line"}},
		"a callback at a new endpoint":  {func(c *Config) { c.Endpoint, c.Suites[0].Callback = "/x", "/x" }, []string{"callback", "/x"}},
		"oauth beside suites":           {func(c *Config) { c.Login = &Login{Outside: "oauth"} }, []string{"login outside oauth", "suite9", "remove the line"}},
		"a staff_app beside suites":     {func(c *Config) { c.Login = &Login{StaffApp: &StaffApp{AppKey: "k", AppSecret: "s"}}; c.Tenants = nil }, []string{"suite9", "staff_app"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := many()
			tt.set(&c)
			err := Validate(&c)
			complains(t, err, tt.words...)
			if strings.Contains(err.Error(), aesKey[2:]) {
				t.Errorf("the error tells a key: %v", err)
			}
		})
	}
}

func TestAllPublishedKeysAreTaken(t *testing.T) {
	for _, last := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/" {
		s := isv()
		s.AESKey = s.AESKey[:42] + Secret(last)
		if err := CheckSuite(&s, "aes_key"); err != nil || len(s.Key()) != 32 {
			t.Errorf("%c: %v, %d bytes", last, err, len(s.Key()))
		}
	}
	s := isv()
	if want, _ := base64.StdEncoding.DecodeString(aesKey + "="); string(s.Key()) != string(want) {
		t.Error("another key")
	}
}

func TestATenantTakesOverTheLinesThatItLacks(t *testing.T) {
	window := Tenant{CorpID: "w", AgentID: "2", ChannelSecret: "s"}
	own := Tenant{CorpID: "o", AgentID: "3", AppKey: "k", AppSecret: "s", JSAPIList: []string{"own"}, Type: number(1), Hash: "sha1"}
	for name, tt := range map[string]struct {
		c     Config
		kinds []int
	}{
		"nothing is written": {Config{}, []int{0, 1, 1}},
		"a type is written":  {Config{Type: number(0)}, []int{0, 0, 1}},
		"a service window":   {Config{ChannelSecret: "s", CorpID: "d", AgentID: "4"}, []int{0, 1, 1}},
	} {
		c := tt.c
		c.JSAPIList, c.Hash, c.Tenants = []string{"all"}, "sha256", []Tenant{one(), window, own}
		before := c.Tenants
		c, err := Resolve(c, caddy.NewReplacer())
		if err != nil {
			t.Fatal(err)
		}
		SetDefaults(&c)
		for i, want := range tt.kinds {
			got := c.ForTenant(&c.Tenants[i])
			if *got.Type != want || got.Many() || got.CorpID != c.Tenants[i].CorpID || got.Endpoint != DefaultEndpoint {
				t.Errorf("%s, tenant %d: type %d, %+v", name, i+1, *got.Type, got)
			}
			if mine := i == 2; got.JSAPIList[0] != map[bool]string{true: "own", false: "all"}[mine] || got.Hash != map[bool]string{true: "sha1", false: "sha256"}[mine] {
				t.Errorf("%s, tenant %d: %v %s", name, i+1, got.JSAPIList, got.Hash)
			}
		}
		if before[0].Type != nil {
			t.Errorf("%s: what was given has changed", name)
		}
	}
	c := Config{ChannelSecret: "s", CorpID: "d", AgentID: "4", Tenants: []Tenant{one()}}
	SetDefaults(&c)
	if got := c.ForTenant(&c.Tenants[0]); got.ChannelSecret != "" || got.Credential() != App {
		t.Errorf("the tenant has the credential of the directive: %+v", got)
	}
}

func TestEveryTextOfABlockMayHoldAPlaceholder(t *testing.T) {
	t.Setenv("BLOCK_TEXT", "filled")
	written := Config{Tenants: []Tenant{{}, {}}, Suites: []Suite{{}}}
	fill := func(block any) {
		v := reflect.ValueOf(block).Elem()
		for i := range v.NumField() {
			switch field := v.Field(i).Addr().Interface().(type) {
			case *string:
				*field = "{env.BLOCK_TEXT}"
			case *Secret:
				*field = "{env.BLOCK_TEXT}"
			case *[]string:
				*field = []string{"{env.BLOCK_TEXT}"}
			case **int:
			default:
				t.Errorf("a field of a new kind, %T", field)
			}
			jsonName(t, v.Type().Field(i))
		}
	}
	fill(&written.Tenants[0])
	fill(&written.Tenants[1])
	fill(&written.Suites[0])
	before, _ := json.Marshal(written)
	got, err := Resolve(written, caddy.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(got); strings.Contains(string(text), "{env.") {
		t.Errorf("not resolved: %s", text)
	}
	if after, _ := json.Marshal(written); string(after) != string(before) {
		t.Errorf("the running configuration shows what was resolved: %s", after)
	}
}

func TestNoFormatOfABlockShowsASecret(t *testing.T) {
	const plain = "PLAIN-s3cret"
	c := Config{
		Tenants: []Tenant{{CorpID: "ding1", AppSecret: plain, CorpSecret: plain, ChannelSecret: plain}},
		Suites:  []Suite{{SuiteKey: "suite1", SuiteSecret: plain, Token: plain, AESKey: plain, SuiteTicket: plain}},
	}
	for _, v := range []any{c, &c, c.Tenants, c.Suites, c.Tenants[0], &c.Tenants[0], c.Suites[0], &c.Suites[0]} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, plain) {
				t.Errorf("%T with %s: %s", v, verb, got)
			}
		}
	}
	h := &handler{Config: c}
	if got := logged(t, zap.Any("handler", h)); strings.Contains(got, plain) || !strings.Contains(got, "ding1") || !strings.Contains(got, "suite1") {
		t.Error(got)
	}
	if got := len(c.Secrets()); got != 3+3+4 {
		t.Errorf("%d secrets", got)
	}
}

func TestBlocksInJSONAreReadStrictly(t *testing.T) {
	for text, words := range map[string][]string{
		`{"tenant":[{"corp_id":"c","agent_id":7}],"suite":[{"suite_key":"s","app_id":8}]}`: nil,
		`{"tenant":[{"corpId":"c"}]}`:       {`"corpId"`, "did you mean corp_id?"},
		`{"tenant":[{"robot":"c"}]}`:        {`"robot"`, "corp_id, agent_id"},
		`{"suite":[{"suite_sekret":"c"}]}`:  {"did you mean suite_secret?"},
		`{"tenant":[{"host":"b.test"}]}`:    {"host must be a list of strings"},
		`{"tenant":"ding1"}`:                {"tenant must be a list of objects"},
		`{"suite":[{"aes_key":["x"]}]}`:     {"aes_key must be a string"},
		`{"tenants":[{"corp_id":"c"}]}`:     {"did you mean tenant?"},
		`{"tenant":[{"endpoint":"/a"}]}`:    {`"endpoint"`},
		`{"suite":[{"callback":"/a","x":}]`: {"invalid"},
	} {
		var c Config
		err := json.Unmarshal([]byte(text), &c)
		if words == nil {
			if err != nil || c.Tenants[0].AgentID != "7" || c.Suites[0].AppID != "8" {
				t.Errorf("%s: %v, %+v", text, err, c)
			}
			continue
		}
		complains(t, err, words...)
	}
}

func TestABaseIsUsedIfOneOfTheAppsCallsIt(t *testing.T) {
	corp := Tenant{CorpID: "c", AgentID: "1", CorpSecret: "s"}
	for name, tt := range map[string]struct {
		in     Config
		unused bool
	}{
		"an app alone":         {Config{OAPIBase: "https://b.test", Tenants: []Tenant{one()}}, true},
		"an app and a corp":    {Config{OAPIBase: "https://b.test", Tenants: []Tenant{one(), corp}}, false},
		"a corp alone":         {Config{APIBase: "https://a.test", Tenants: []Tenant{corp}}, true},
		"an app beside a corp": {Config{APIBase: "https://a.test", Tenants: []Tenant{corp, one()}}, false},
		"a suite":              {Config{APIBase: "https://a.test", Suites: []Suite{isv()}}, false},
	} {
		if got := UnusedBase(&tt.in); (got != nil) != tt.unused {
			t.Errorf("%s: %v", name, got)
		}
	}
}
