package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Tenant is one app of one corp, where a directive serves several.
type Tenant struct {
	// The corpId (企业 ID) of the corp. Required.
	CorpID string `json:"corp_id,omitempty"`
	// The agentId of the app in it. Required.
	AgentID string `json:"agent_id,omitempty"`

	// The AppKey (ClientID) of an internal app. One kind of credential is required,
	// as in the directive itself.
	AppKey string `json:"app_key,omitempty"`
	// The AppSecret (ClientSecret) of the app. Write {env.NAME} or {file./path}.
	AppSecret Secret `json:"app_secret,omitempty"`
	// Instead of an app: the CorpSecret of the older login. It calls
	// oapi.dingtalk.com, whatever `api` says.
	CorpSecret Secret `json:"corp_secret,omitempty"`
	// Instead of an app: the ChannelSecret of a service window (服务窗). It calls
	// oapi.dingtalk.com, whatever `api` says.
	ChannelSecret Secret `json:"channel_secret,omitempty"`

	// The jsApiList for dd.config. Default: that of the directive.
	JSAPIList []string `json:"js_api_list,omitempty"`
	// The type for dd.config, 0 or 1. Default: that of the directive; where it has none,
	// 1 with `channel_secret`, else 0.
	Type *int `json:"type,omitempty"`
	// The hash of the signature, `sha1` or `sha256`. Default: that of the directive.
	Hash string `json:"hash,omitempty"`

	// The hosts that the tenant is for, as in Caddy's host matcher. Where a tenant with
	// `host` or `path` fits, only such tenants are chosen from. Default: all.
	Host []string `json:"host,omitempty"`
	// The paths that the tenant is for, as in Caddy's path matcher, as the browser asks
	// for them. Default: all.
	Path []string `json:"path,omitempty"`
}

// Many tells whether the directive serves more than one app of one corp, so that there
// is something to choose.
func (c *Config) Many() bool { return len(c.Tenants) > 0 || len(c.Suites) > 0 }

// HasDefault tells whether the directive itself has a credential.
func (c *Config) HasDefault() bool {
	return c.AppKey != "" || c.AppSecret != "" || c.CorpSecret != "" || c.ChannelSecret != ""
}

// ForTenant returns the configuration of a directive that serves nothing but that tenant.
func (c *Config) ForTenant(t *Tenant) Config {
	own := *c
	own.Tenants, own.Suites = nil, nil
	own.CorpID, own.AgentID = t.CorpID, t.AgentID
	own.AppKey, own.AppSecret, own.CorpSecret, own.ChannelSecret = t.AppKey, t.AppSecret, t.CorpSecret, t.ChannelSecret
	own.JSAPIList, own.Type, own.Hash = t.JSAPIList, t.Type, t.Hash
	return own
}

// setTenantDefaults fills in what a tenant takes over from the lines of its directive,
// which has no defaults of its own yet.
func setTenantDefaults(c *Config) {
	c.Tenants = slices.Clone(c.Tenants)
	for i := range c.Tenants {
		t := &c.Tenants[i]
		if len(t.JSAPIList) == 0 {
			t.JSAPIList = c.JSAPIList
		}
		t.Type = cmp.Or(t.Type, c.Type, usualType(t.ChannelSecret))
		t.Hash = cmp.Or(t.Hash, c.Hash)
	}
}

// usualType is the type for dd.config where none is written.
func usualType(channel Secret) *int {
	kind := new(int)
	if channel != "" {
		*kind = 1
	}
	return kind
}

// String hides the secrets: fmt prints what a slice holds without asking its Secrets.
func (t Tenant) String() string { return fmt.Sprintf("tenant(%s %s)", t.CorpID, t.AgentID) }

// GoString hides the secrets from %#v.
func (t Tenant) GoString() string { return t.String() }

// UnmarshalJSON reads the fields as strictly as those of a Config.
func (t *Tenant) UnmarshalJSON(text []byte) error {
	type plain Tenant // without this method
	return unmarshal(text, (*plain)(t), namesOf[Tenant](), SuggestionIn[Tenant])
}

// Texts, secrets and lists are the fields that may hold placeholders.
func (t *Tenant) texts() map[string]*string {
	return map[string]*string{"corp_id": &t.CorpID, "agent_id": &t.AgentID, "app_key": &t.AppKey, "hash": &t.Hash}
}

func (t *Tenant) secrets() map[string]*Secret {
	return map[string]*Secret{"app_secret": &t.AppSecret, "corp_secret": &t.CorpSecret, "channel_secret": &t.ChannelSecret}
}

func (t *Tenant) lists() map[string]*[]string {
	return map[string]*[]string{"js_api_list": &t.JSAPIList, "host": &t.Host, "path": &t.Path}
}

// CheckTenant checks one field of a tenant, by its JSON name.
func CheckTenant(t *Tenant, name string) error {
	check, known := tenantChecks[name]
	if !known {
		return nil
	}
	err := habitsOf(t, name)
	if err == nil {
		err = check(t)
	}
	if err != nil {
		return fmt.Errorf("tenant %s %s: %s: %w", t.CorpID, t.AgentID, name, err)
	}
	return nil
}

// tenantChecks are the rules for single fields.
var tenantChecks = map[string]func(*Tenant) error{
	"corp_id":        func(t *Tenant) error { return corpID(t.CorpID) },
	"agent_id":       func(t *Tenant) error { return agentID(t.AgentID) },
	"app_key":        func(t *Tenant) error { return key(t.AppKey) },
	"app_secret":     func(t *Tenant) error { return secret(t.AppSecret) },
	"corp_secret":    func(t *Tenant) error { return secret(t.CorpSecret) },
	"channel_secret": func(t *Tenant) error { return secret(t.ChannelSecret) },
	"js_api_list":    func(t *Tenant) error { return each(t.JSAPIList, apiName) },
	"type":           func(t *Tenant) error { return kind(t.Type) },
	"hash":           func(t *Tenant) error { return oneOf(t.Hash, keys(hashes)) },
	"host":           func(t *Tenant) error { return each(t.Host, tenantHost) },
	"path":           func(t *Tenant) error { return each(t.Path, tenantPath) },
}

// CompleteTenant checks the fields of a tenant together.
func CompleteTenant(t *Tenant) error {
	err := missingID(t.CorpID, t.AgentID)
	if err == nil {
		err = credential(t.AppKey, t.AppSecret, t.CorpSecret, t.ChannelSecret)
	}
	if err != nil {
		return fmt.Errorf("tenant %s %s: %w", t.CorpID, t.AgentID, err)
	}
	return nil
}

// DistinctTenant makes sure that no earlier tenant has the pair of the last one.
func DistinctTenant(tenants []Tenant) error {
	last := tenants[len(tenants)-1]
	for _, t := range tenants[:len(tenants)-1] {
		if t.CorpID == last.CorpID && t.AgentID == last.AgentID {
			return doctor.Wrong("tenant %s %s is given twice: keep one block, or correct the corp_id or agent_id of the other", t.CorpID, t.AgentID)
		}
	}
	return nil
}

func checkTenants(c *Config) error {
	for i := range c.Tenants {
		t := &c.Tenants[i]
		for _, name := range slices.Sorted(maps.Keys(tenantChecks)) {
			if err := CheckTenant(t, name); err != nil {
				return err
			}
		}
		if err := CompleteTenant(t); err != nil {
			return err
		}
		if err := DistinctTenant(c.Tenants[:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// completeTenants checks tenants and suites together with the rest.
func completeTenants(c *Config) error {
	if !c.Many() {
		return nil
	}
	if !c.HasDefault() {
		if c.CorpID != "" || c.AgentID != "" {
			return doctor.Wrong("corp_id and agent_id stand without a credential: add app_key and app_secret, which makes this the tenant of pages that name none, or remove both lines")
		}
		return nil
	}
	if err := corpID(c.CorpID); err != nil {
		return fmt.Errorf("corp_id: %w", err)
	}
	for _, t := range c.Tenants {
		if t.CorpID == c.CorpID && t.AgentID == c.AgentID {
			return doctor.Wrong("tenant %s %s has the corp_id and agent_id of the directive itself: keep one of them", t.CorpID, t.AgentID)
		}
	}
	return nil
}

// corpID checks the corpId of a directive with several tenants, where it stands in URLs,
// cookies and the names of files.
func corpID(s string) error {
	if err := word(s); err != nil || later(s) {
		return err
	}
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return reserved(r) || r == '.' || r == '~' }) {
		return doctor.Wrong("its value must be at most 64 letters, digits, - and _: copy the CorpId from the DingTalk developer console")
	}
	return nil
}

func tenantHost(s string) error {
	if later(s) {
		return nil
	}
	if publicHost(s) != nil || s == AnyHost {
		return doctor.Wrong("%q must be a host name without scheme, port and path, such as b.example.com or *.example.com", s)
	}
	return nil
}

func tenantPath(s string) error {
	if later(s) || s == "*" {
		return nil
	}
	path := pathOf(s)
	switch {
	case isCatchAll(s), strings.ContainsAny(path, "?#"):
		return doctor.Wrong("%q must be a path without query and fragment, such as /crm/*", s)
	case path == "" || path == "/" && s != "/":
		return doctor.Wrong("%q is the address of a host: write host with the name of the host alone", s)
	case path != s && s[0] != '*':
		return doctor.Wrong("%q must be a path: write %s", s, path)
	}
	return nil
}
