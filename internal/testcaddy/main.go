//go:build linux || darwin

// Command testcaddy is Caddy with the dingtalk handler and a storage that can
// fail. Tests build it and run it as a fleet; it is of no other use.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-dingtalk/caddy-dingtalk"
)

func main() {
	caddycmd.Main()
}
