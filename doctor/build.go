package doctor

import (
	"cmp"
	"regexp"
)

// build is the command that builds Caddy with this module: its path is that of go.mod.
const build = "xcaddy build --with github.com/caddy-dingtalk/caddy-dingtalk"

// storages are modules of Caddy storages whose use with this one is documented, by their
// names.
var storages = map[string]string{"redis": "github.com/pberkel/caddy-storage-redis"}

// BuildWith is the command that builds Caddy with a storage, too.
func BuildWith(storage string) string {
	return build + " --with " + cmp.Or(storages[storage], "<its path>")
}

// lacking matches what Caddy says of a storage that was not compiled into it.
var lacking = regexp.MustCompile(`(?:module not registered|unknown module): caddy\.storage\.([\w-]+)`)

// Built adds to an error that names a storage which this Caddy lacks how to build one that
// has it. Other errors stay.
func Built(err error) error {
	if err == nil {
		return nil
	}
	found := lacking.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	return Wrong("%v: build Caddy with that module: %s", err, BuildWith(found[1]))
}
