package examine

import (
	"slices"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

func TestTheScriptsOfAPageAreThoseThatItLoads(t *testing.T) {
	const foreign = `<script src="/assets/client.0a1b2c3d.js"></script><script>load("/rest.0a1b2c3d.js")</script>`
	page := client.Page{URL: "https://h5.test/p"}
	app := client.App{CorpID: "ding1", AgentID: "1", Endpoint: "/app/.dingtalk", Version: "1"}
	withLogin := app
	withLogin.Login = "login.0123456789.js"
	for name, test := range map[string]struct {
		app  client.App
		kind client.Kind
		want []string
	}{
		"inline":                  {app, client.Inline, []string{client.RestName}},
		"inline with sign-in":     {withLogin, client.Inline, []string{client.RestName, "login.0123456789.js"}},
		"a file":                  {app, client.External, []string{client.FileName}},
		"the data alone, no file": {app, client.Data, nil},
	} {
		body := string(client.NewRenderer(test.app).Append([]byte("<!doctype html>"+foreign), page, client.Form{Kind: test.kind})) + foreign
		found, element := sidecar(body)
		if found == nil || found.Endpoint != app.Endpoint || found.URL != page.URL {
			t.Fatalf("%s: %+v", name, found)
		}
		if got := scriptsOf(body, element, found.Endpoint); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if found, _ := sidecar(foreign + `{"config":1}{"config":{}}`); found != nil {
		t.Errorf("%+v", found)
	}
	signIn := `<script type="application/json" id="dd-login" nonce="x">{"endpoint":"/.dingtalk","code":"origin_unknown"}</script><script nonce="x" src="/.dingtalk/login.0123456789.js"></script>`
	if found := gate(signIn); found == nil || found.Endpoint != "/.dingtalk" || found.Code != "origin_unknown" || !slices.Equal(scriptsOf(signIn, "", "/.dingtalk"), []string{"login.0123456789.js"}) {
		t.Errorf("%+v", found)
	}
	for _, other := range []string{foreign, `<script type="application/json" id="dd-login">{`, `<script type="application/json" id="dd-login">{}`} {
		if gate(other) != nil {
			t.Errorf("%s is taken for a sign-in page", other)
		}
	}
}
