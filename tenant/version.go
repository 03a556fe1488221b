package tenant

import (
	"runtime/debug"
	"strings"
)

// modulePath is the path of the Go module, by which build information knows it.
const modulePath = "github.com/caddy-dingtalk/caddy-dingtalk"

// fallbackVersion is the version of builds that do not tell theirs.
const fallbackVersion = "0.1.0"

// Version is the version of the module, without a leading v: what the build says
// (xcaddy and `go install` record it), else the last release. Pages see it as
// ddSidecar.version, DingTalk in the User-Agent.
var Version = version(debug.ReadBuildInfo())

func version(info *debug.BuildInfo, known bool) string {
	if !known {
		return fallbackVersion
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != modulePath {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		if v, tagged := strings.CutPrefix(m.Version, "v"); tagged {
			return v
		}
	}
	return fallbackVersion // built within its own folder
}
