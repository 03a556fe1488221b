package tenant

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// Source returns the API calls for the credential of a configuration.
func Source(c *config.Config) *oapi.Client { return API(c, oapi.DefaultTimeout) }

// API is Source with a bound of its own for each call.
func API(c *config.Config, timeout time.Duration) *oapi.Client {
	o := oapi.Options{API: c.APIBase, OAPI: c.OAPIBase, UserAgent: userAgent, Timeout: timeout}
	switch c.Credential() {
	case config.Corp:
		return oapi.NewCorp(c.CorpID, string(c.CorpSecret), o)
	case config.Channel:
		return oapi.NewChannel(c.CorpID, string(c.ChannelSecret), o)
	case config.LegacyApp:
		return oapi.NewLegacyApp(c.AppKey, string(c.AppSecret), o)
	}
	return oapi.NewApp(c.AppKey, string(c.AppSecret), o)
}

// userAgent is what DingTalk sees of us.
var userAgent = "caddy-dingtalk/" + Version

// Name names the app of a configuration in the storage: readable, and different
// for whatever DingTalk gives another ticket for. The secret takes part as a hash
// only, so that a corrected one starts afresh.
func Name(c *config.Config) string {
	id := c.AppKey
	if id == "" {
		id = c.CorpID
	}
	sum := hash(struct {
		Login                                config.Credential
		API, OAPI, Key, Corp                 string
		AppSecret, CorpSecret, ChannelSecret config.Secret
	}{c.Credential(), c.APIBase, c.OAPIBase, c.AppKey, c.CorpID, c.AppSecret, c.CorpSecret, c.ChannelSecret})
	return safeName(id) + "-" + hex.EncodeToString(sum[:6])
}

// safeName keeps of an identifier what is safe in the name of a file.
func safeName(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, id[:min(len(id), 64)])
}

// fingerprint is a hash of what the pages of a configuration have in common: of all
// of it, so that no field can be forgotten, but for what shows in no page.
func fingerprint(c config.Config, script string) [sha256.Size]byte {
	c.Doctor, c.StorageRaw, c.TicketWait, c.ShareTokens = nil, nil, 0, false
	c.Tenants, c.Suites = nil, nil // each has its own
	if c.Login != nil {
		c.Login = &config.Login{} // pages know that there is one, and no more
	}
	for _, secret := range c.Secrets() {
		*secret = ""
	}
	return hash(struct {
		Version, Script string
		Config          config.Config
	}{Version, script, c})
}

// hash hashes a struct with all its fields.
func hash(v any) [sha256.Size]byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("hashing a configuration: " + err.Error()) // of texts and numbers: it was read from JSON
	}
	return sha256.Sum256(text)
}
