// Command caddy is Caddy with the dingtalk handler compiled in.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-dingtalk/caddy-dingtalk"
)

func main() {
	caddycmd.Main()
}
