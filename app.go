package dingtalk

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// memories outlives a reload of the configuration: the handlers of the new one
// go on with the tokens of the old.
var memories = caddy.NewUsagePool()

const memoryKey = "tokens"

// newTokens returns the tokens of the app that the configuration logs in with.
// release must be called once, when the handler is no longer used.
func newTokens(c *config.Config, storage certmagic.Storage, events *emitter, log *zap.Logger) (app *tokens.App, release func(), err error) {
	memory, _, err := memories.LoadOrNew(memoryKey, func() (caddy.Destructor, error) { return tokens.NewMemory(), nil })
	if err != nil {
		return nil, nil, fmt.Errorf("opening the token memory: %w", err)
	}
	name := appName(c)
	app = tokens.NewApp(tokens.Options{
		Name: name, Source: source(c), Storage: storage, Memory: memory.(*tokens.Memory),
		Log: log, Observer: watcher{name, events},
		Advice: func(err error) string { return diagnosis.Advice(err).EN },
	})
	app.TakeOver()
	return app, func() {
		app.Close()
		_, _ = memories.Delete(memoryKey)
	}, nil
}

// source returns the API calls for the credential of the configuration.
func source(c *config.Config) *oapi.Client {
	o := oapi.Options{API: c.APIBase, OAPI: c.OAPIBase, UserAgent: "caddy-dingtalk/" + Version}
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

// appName names the app in the storage: readable, and different for whatever
// DingTalk gives another ticket for. The secret takes part as a hash only, so
// that a corrected one starts afresh.
func appName(c *config.Config) string {
	id := c.AppKey
	if id == "" {
		id = c.CorpID
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%s|%s|%s|%s|%s|%s|%s", c.Credential(), c.APIBase, c.OAPIBase,
		c.AppKey, c.CorpID, string(c.AppSecret), string(c.CorpSecret), string(c.ChannelSecret)))
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

// storage returns the storage that the fleet shares.
func (h *Handler) storage(ctx caddy.Context) (certmagic.Storage, error) {
	if h.StorageRaw == nil {
		return ctx.Storage(), nil
	}
	return h.OpenStorage(ctx)
}

// fingerprint is a hash of what the pages of a configuration have in common.
func fingerprint(c *config.Config) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d|%q|%s|%s|%s|%s|%q|%q", Version, c.CorpID, c.AgentID, *c.Type,
		c.JSAPIList, c.Endpoint, c.JSAPIURL, c.URLPolicy, c.Hash, c.PublicOrigin, c.Forwarded))
	return string(sum[:])
}
