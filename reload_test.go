package dingtalk

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// references returns how many handlers share the memory of tokens.
func references() int {
	n, _ := memories.References(memoryKey)
	return n
}

func TestAReloadGoesOnWithTheTokens(t *testing.T) {
	s := run(t, setup{sites: signed})
	s.expectSigned(t, s.get(t, "/"), s.url+"/")
	changed := strings.NewReplacer("storage file_system", "storage file_system "+folder(t)+"\n\t#", // nothing to be found there
		"agent_id 1234567890", "agent_id 7", "import app\n", "import app\n\t\tjs_api_list biz.util.scan\n").Replace(s.caddyfile)
	if err := s.load(t, changed); err != nil {
		t.Fatal(err)
	}
	params := s.get(t, "/").snippet(t).params(t)
	if params.AgentID != "7" || len(params.JSAPIList) != 1 {
		t.Errorf("the new configuration is not in use: %+v", params)
	}
	params.AgentID = s.ding.Options().AgentID
	if v := s.ding.Verify(params, s.url+"/"); !v.OK {
		t.Errorf("%+v", v)
	}
	if calls := s.ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("DingTalk was called again: %v", calls)
	}
	if n := references(); n != 1 {
		t.Errorf("%d handlers hold the memory", n)
	}
}

func TestACorrectedSecretStartsAfresh(t *testing.T) {
	s := run(t, setup{sites: signed})
	wrong := strings.Replace(s.caddyfile, "app_secret {file.", "app_secret wrong#{file.", 1)
	if err := s.load(t, strings.Replace(wrong, "import app\n", "import app\n\t\tticket_wait 5s\n", 1)); err != nil {
		t.Fatal(err)
	}
	s.expectUnsigned(t, s.get(t, "/"), "ticket_unavailable", "Compare app_key and app_secret")
	if err := s.load(t, s.caddyfile); err != nil {
		t.Fatal(err)
	}
	s.expectSigned(t, s.get(t, "/"), s.url+"/") // without waiting for the end of a backoff
}

func TestTheLastHandlerDropsTheMemory(t *testing.T) {
	s := run(t, setup{sites: signed + "\nhttp://second.test:PORT {\n\tdingtalk {\n\t\timport app\n\t}\n}"})
	if n := references(); n != 2 {
		t.Errorf("%d handlers hold the memory of two sites", n)
	}
	if err := s.load(t, "{\n\tadmin off\n\tpersist_config off\n}\nhttp://:"+s.port+" {\n\tbind 127.0.0.1\n\trespond ok\n}"); err != nil {
		t.Fatal(err)
	}
	if n := references(); n != 0 {
		t.Errorf("%d handlers hold the memory after the last has gone", n)
	}
}

func TestCleanupTakesAHandlerInAnyState(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	var unborn, failed Handler
	if err := unborn.Cleanup(); err != nil {
		t.Error(err)
	}
	failed.AppKey = "k"
	if err := failed.Provision(ctx); err == nil {
		t.Fatal("provisioned without a secret")
	}
	for range 2 {
		if err := failed.Cleanup(); err != nil {
			t.Error(err)
		}
	}
	if n := references(); n != 0 {
		t.Errorf("%d handlers hold the memory", n)
	}
}

func TestAFailedReloadLeavesTheOldConfiguration(t *testing.T) {
	s := run(t, setup{sites: signed})
	for what, change := range map[string][2]string{
		"a credential that is missing":        {"agent_id 1234567890", ""},
		"a storage that does not exist":       {"import app\n", "import app\n\t\tstorage file_system " + s.dir + "\n\t\turl_policy {env.NOT_SET}\n"},
		"another handler behind it that fail": {"reverse_proxy", "reverse_proxy {\n\t\tlb_policy nothing\n\t}\n\t#"},
	} {
		if err := s.load(t, strings.Replace(s.caddyfile, change[0], change[1], 1)); err == nil {
			t.Fatalf("%s: loaded", what)
		}
		s.expectSigned(t, s.get(t, "/"), s.url+"/")
		if n := references(); n != 1 {
			t.Errorf("%s: %d handlers hold the memory", what, n)
		}
	}
}
