package config

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// OpenStorage returns the storage that the fleet shares: the module that the
// configuration names, or Caddy's own.
func OpenStorage(ctx caddy.Context, c *Config) (certmagic.Storage, error) {
	if c.StorageRaw == nil {
		return ctx.Storage(), nil
	}
	module, err := ctx.LoadModule(c, "StorageRaw")
	if err != nil {
		return nil, doctor.Wrong("loading storage module: %v", doctor.Built(err))
	}
	converter, ok := module.(caddy.StorageConverter)
	if !ok {
		return nil, doctor.Wrong("loading storage module: %T is not a storage", module)
	}
	storage, err := converter.CertMagicStorage()
	if err != nil {
		return nil, doctor.Wrong("opening storage: %v", err)
	}
	return storage, nil
}
