package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

func TestAReloadGoesOnWithTheTokens(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	changed := strings.NewReplacer("storage file_system", "storage file_system "+testsite.Folder(t)+"\n\t#", // nothing to be found there
		"agent_id 1234567890", "agent_id 7", "import app\n", "import app\n\t\tjs_api_list biz.util.scan\n").Replace(s.Caddyfile)
	if err := s.Load(t, changed); err != nil {
		t.Fatal(err)
	}
	params := s.Get(t, "/").Snippet(t).Params(t)
	if params.AgentID != "7" || len(params.JSAPIList) != 1 {
		t.Errorf("the new configuration is not in use: %+v", params)
	}
	params.AgentID = s.Ding.Options().AgentID
	if v := s.Ding.Verify(params, s.URL+"/"); !v.OK {
		t.Errorf("%+v", v)
	}
	if calls := s.Ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("DingTalk was called again: %v", calls)
	}
	expectForgetting(t, s, s.Caddyfile)
}

func TestACorrectedSecretStartsAfresh(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	wrong := strings.Replace(s.Caddyfile, "app_secret {file.", "app_secret wrong#{file.", 1)
	if err := s.Load(t, strings.Replace(wrong, "import app\n", "import app\n\t\tticket_wait 5s\n", 1)); err != nil {
		t.Fatal(err)
	}
	s.ExpectUnsigned(t, s.Get(t, "/"), "ticket_unavailable", "Compare app_key and app_secret")
	if err := s.Load(t, s.Caddyfile); err != nil {
		t.Fatal(err)
	}
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/") // without waiting for the end of a backoff
}

func TestAFailedReloadLeavesTheOldConfiguration(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	for what, change := range map[string][2]string{
		"a credential that is missing":        {"agent_id 1234567890", ""},
		"a storage that does not exist":       {"import app\n", "import app\n\t\tstorage file_system " + s.Dir + "\n\t\turl_policy {env.NOT_SET}\n"},
		"another handler behind it that fail": {"reverse_proxy", "reverse_proxy {\n\t\tlb_policy nothing\n\t}\n\t#"},
	} {
		if err := s.Load(t, strings.Replace(s.Caddyfile, change[0], change[1], 1)); err == nil {
			t.Fatalf("%s: loaded", what)
		}
		s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	}
	expectForgetting(t, s, s.Caddyfile)
}

// expectForgetting makes sure that nobody holds the tokens when the last handler has
// gone, whatever has been loaded and refused before: a configuration with nothing
// in its storage has to fetch them anew.
func expectForgetting(t *testing.T, s *testsite.Site, caddyfile string) {
	t.Helper()
	before := tickets(s)
	if err := s.Load(t, "{\n\tadmin off\n\tpersist_config off\n}\nhttp://:"+s.Port+" {\n\tbind 127.0.0.1\n\trespond ok\n}"); err != nil {
		t.Fatal(err)
	}
	if _, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status"); len(apps) != 0 {
		t.Errorf("%d apps are in use without a handler", len(apps))
	}
	if err := s.Load(t, strings.Replace(caddyfile, "storage file_system ", "storage file_system "+testsite.Folder(t)+"\n\t#", 1)); err != nil {
		t.Fatal(err)
	}
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	if n := tickets(s) - before; n != 1 {
		t.Errorf("%d calls for a ticket after the last handler has gone", n)
	}
}

func TestTheLastHandlerDropsTheMemory(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed + "\nhttp://second.test:PORT {\n\tdingtalk {\n\t\timport app\n\t}\n}"})
	s.ExpectSigned(t, s.Get(t, "/"), s.URL+"/")
	if _, apps, _ := testsite.Admin(t, http.MethodGet, "/dingtalk/status"); len(apps) != 1 {
		t.Errorf("two sites of one app are %d", len(apps))
	}
	expectForgetting(t, s, s.Caddyfile)
}
