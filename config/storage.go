package config

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// OpenStorage loads the storage module that the configuration names.
func (c *Config) OpenStorage(ctx caddy.Context) (certmagic.Storage, error) {
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
