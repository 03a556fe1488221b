package tenant

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionIsWhatTheBuildSays(t *testing.T) {
	caddy := debug.Module{Path: "caddy", Version: "v9.9.9"}
	for name, tt := range map[string]struct {
		info  *debug.BuildInfo
		known bool
		want  string
	}{
		"xcaddy builds it as a dependency": {&debug.BuildInfo{Main: caddy, Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3"}}}, true, "1.2.3"},
		"a replaced module counts as what replaces it": {&debug.BuildInfo{Main: caddy, Deps: []*debug.Module{
			{Path: modulePath, Version: "v1.2.3", Replace: &debug.Module{Path: "../fork", Version: "v1.2.4"}}}}, true, "1.2.4"},
		"a folder that replaces it has no version":   {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3", Replace: &debug.Module{Path: "../fork"}}}}, true, fallbackVersion},
		"go build within the module says (devel)":    {&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "(devel)"}}, true, fallbackVersion},
		"go install names the main module's version": {&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v2.0.0"}}, true, "2.0.0"},
		"another program does not know it":           {&debug.BuildInfo{Main: caddy}, true, fallbackVersion},
		"a build without information":                {nil, false, fallbackVersion},
	} {
		if got := version(tt.info, tt.known); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
