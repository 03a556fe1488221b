package config

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// OpenStorage returns the storage that the fleet shares: the module that the
// configuration names, or Caddy's own.
func OpenStorage(ctx caddy.Context, c *Config) (certmagic.Storage, error) {
	if c.StorageRaw == nil {
		return ctx.Storage(), nil
	}
	module, err := ctx.LoadModule(c, "StorageRaw")
	if err != nil {
		return nil, fmt.Errorf("loading storage module: %w", err)
	}
	converter, ok := module.(caddy.StorageConverter)
	if !ok {
		return nil, fmt.Errorf("loading storage module: %T is not a storage", module)
	}
	storage, err := converter.CertMagicStorage()
	if err != nil {
		return nil, fmt.Errorf("opening storage: %w", err)
	}
	return storage, nil
}
