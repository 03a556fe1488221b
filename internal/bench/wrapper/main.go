// Command wrapper is Caddy with the directive `wrapper`, which wraps the response
// writer and does nothing: the least that any injector costs.
package main

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func init() {
	caddy.RegisterModule(Wrapper{})
	httpcaddyfile.RegisterHandlerDirective("wrapper", func(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return Wrapper{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("wrapper", httpcaddyfile.After, "encode")
}

func main() { caddycmd.Main() }

// Wrapper wraps the response writer.
type Wrapper struct{}

// CaddyModule returns the Caddy module information.
func (Wrapper) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.wrapper", New: func() caddy.Module { return new(Wrapper) }}
}

func (Wrapper) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(&caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, r)
}
