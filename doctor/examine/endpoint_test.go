package examine

import (
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
)

func TestEndpointsThatNeverReachTheHandler(t *testing.T) {
	tests := map[string]struct {
		routes   string // JSON of the server's routes; DINGTALK is the handler
		endpoint string
		advice   string // "" if all is well
	}{
		"no matcher":                         {`{"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"a matcher of hosts":                 {`{"match":[{"host":["a.test"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"a path":                             {`{"match":[{"path":["/app/*"]}],"handle":[DINGTALK]}`, "/.dingtalk", "endpoint /app/.dingtalk"},
		"a path, and the endpoint below it":  {`{"match":[{"path":["/app/*"]}],"handle":[DINGTALK]}`, "/App/.dingtalk", ""},
		"one of several paths":               {`{"match":[{"path":["/app/*","/.dingtalk/*"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"a path, or a host":                  {`{"match":[{"path":["/app/*"]},{"host":["a.test"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"all that is not there":              {`{"match":[{"not":[{"path":["/api/*"]}]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"all but the endpoint":               {`{"match":[{"not":[{"path":["/api/*","/.dingtalk/*"]}]}],"handle":[DINGTALK]}`, "/.dingtalk", "/<a path"},
		"all but some that it is":            {`{"match":[{"not":[{"path":["/.dingtalk/*"],"method":["PUT"]}]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"a path of an outer route":           {`{"match":[{"path":["/app*"]}],"handle":[{"handler":"subroute","routes":[{"handle":[DINGTALK]}]}]}`, "/.dingtalk", "/<a path"},
		"the end of a path":                  {`{"match":[{"path":["*.html"]}],"handle":[DINGTALK]}`, "/.dingtalk", "/<a path"},
		"a part of a path":                   {`{"match":[{"path":["*ding*"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"an exact path":                      {`{"match":[{"path":["/"]}],"handle":[DINGTALK]}`, "/.dingtalk", "/<a path"},
		"anything":                           {`{"match":[{"path":["*"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"a star in the middle":               {`{"match":[{"path":["/*/config"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
		"a star in the middle, of elsewhere": {`{"match":[{"path":["/*/x/config"]}],"handle":[DINGTALK]}`, "/.dingtalk", "/<a path"},
		"a placeholder":                      {`{"match":[{"path":["{env.X}/*"]}],"handle":[DINGTALK]}`, "/.dingtalk", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			routes := strings.ReplaceAll(test.routes, "DINGTALK", `{"handler":"dingtalk"}`)
			found, err := find([]byte(`{"apps":{"http":{"servers":{"srv0":{"routes":[` + routes + `]}}}}}`))
			if err != nil || len(found.places) != 1 {
				t.Fatal(found, err)
			}
			checks := endpointCheck(found.places[0], &config.Config{Endpoint: test.endpoint})
			switch {
			case test.advice == "" && len(checks) > 0:
				t.Errorf("%+v", checks)
			case test.advice != "" && (len(checks) != 1 || checks[0].Status != Warning || !strings.Contains(checks[0].Advice, test.advice)):
				t.Errorf("%+v, want %s", checks, test.advice)
			}
		})
	}
}
