package dingtalk

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestDDConfigHasExactlyTheParametersOfDDConfig(t *testing.T) {
	s := run(t, setup{sites: `http://h5.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://list.test:PORT {
	dingtalk {
		import app
		js_api_list biz.contact.choose device.notification.alert
	}
	reverse_proxy UPSTREAM
}`})
	tests := map[string]struct {
		host string
		list []any
	}{
		"without js_api_list the list is empty, not missing": {"h5.test", []any{}},
		"with js_api_list it has these":                      {"list.test", []any{"biz.contact.choose", "device.notification.alert"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.expectSigned(t, s.get(t, s.at(test.host)+"/p?x=1"), s.at(test.host)+"/p?x=1")
			var config map[string]any
			if err := json.Unmarshal(got.Config, &config); err != nil {
				t.Fatal(err)
			}
			keys := slices.Sorted(maps.Keys(config))
			if want := []string{"agentId", "corpId", "jsApiList", "nonceStr", "signature", "timeStamp", "type"}; !slices.Equal(keys, want) {
				t.Errorf("members %v, want %v", keys, want)
			}
			o := s.ding.Options()
			for member, want := range map[string]any{"agentId": o.AgentID, "corpId": o.CorpID, "type": 0.0, "jsApiList": test.list} {
				if !reflect.DeepEqual(config[member], want) {
					t.Errorf("%s is %#v, want %#v", member, config[member], want)
				}
			}
			stamp, _ := config["timeStamp"].(string)
			if len(stamp) != 10 || strings.Trim(stamp, "0123456789") != "" {
				t.Errorf("timeStamp is %#v, want seconds in a string", config["timeStamp"])
			}
			if nonce, _ := config["nonceStr"].(string); len(nonce) < 16 {
				t.Errorf("nonceStr is %#v, want a random text", config["nonceStr"])
			}
		})
	}
}

func TestDDSidecarTellsWhatWasSigned(t *testing.T) {
	s := run(t, setup{sites: `http://h5.test:PORT {
	dingtalk {
		import app
		endpoint /sign
	}
	reverse_proxy UPSTREAM
}`})
	got := s.expectSigned(t, s.get(t, s.at("h5.test")+"/"), s.at("h5.test")+"/")
	if got.Sidecar.Endpoint != "/sign" || got.Sidecar.Version != Version {
		t.Errorf("%+v", got.Sidecar)
	}
	var members struct{ Sidecar map[string]any }
	text := got.text[strings.LastIndex(got.text, `({"config":`)+1 : len(got.text)-1]
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(members.Sidecar))
	if want := []string{"endpoint", "error", "url", "version"}; !slices.Equal(keys, want) {
		t.Errorf("members %v, want %v", keys, want)
	}
}

func TestTwoPagesHaveDifferentNonces(t *testing.T) {
	s := run(t, setup{sites: signed})
	one := s.get(t, "/").snippet(t).params(t)
	two := s.get(t, "/").snippet(t).params(t)
	if one.NonceStr == two.NonceStr || one.Signature == two.Signature {
		t.Errorf("%+v and %+v", one, two)
	}
}

// signed is a site that signs all pages of the upstream.
const signed = `http://:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}`

func TestTheSnippetIsTheOnlyChangeOfAPage(t *testing.T) {
	pages := map[string]struct{ before, after string }{
		"after head":                       {"<!DOCTYPE html>\n<html><head>", "<title>H5</title></head><body>页面</body></html>\n"},
		"after head with attributes":       {`<!DOCTYPE html><html lang=zh><head class="a>b">`, "<meta charset=utf-8></head><body></body></html>"},
		"before the script of a bare page": {"<!-- no head -->\n", "<script>1</script><p>页面"},
		"before text":                      {"  ", "hello"},
	}
	var body string
	s := run(t, setup{sites: signed, upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(body))
	})})
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			body = page.before + page.after
			a := s.get(t, "/")
			s.expectSigned(t, a, s.url+"/")
			inserted, ok := strings.CutPrefix(a.body, page.before)
			if inserted, ok2 := strings.CutSuffix(inserted, page.after); !ok || !ok2 ||
				!strings.HasPrefix(inserted, "<script>") || !strings.HasSuffix(inserted, "</script>") || strings.Count(inserted, "</script") != 1 {
				t.Errorf("page is %q", a.body)
			}
		})
	}
}

func TestAPageThatAnswersAPostIsSigned(t *testing.T) {
	s := run(t, setup{sites: signed})
	a := s.do(t, http.MethodPost, "/form?step=2", "a=1", documentHeaders("Content-Type", "application/x-www-form-urlencoded"))
	s.expectSigned(t, a, s.url+"/form?step=2")
}

func TestAnErrorPageIsSigned(t *testing.T) {
	s := run(t, setup{sites: signed, upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		servePage(w, r)
	})})
	a := s.get(t, "/gone")
	if a.status != http.StatusNotFound {
		t.Errorf("status %d", a.status)
	}
	s.expectSigned(t, a, s.url+"/gone")
}

func TestJSAPIURLIsLoadedBehindTheClient(t *testing.T) {
	s := run(t, setup{sites: `http://:PORT {
	dingtalk {
		import app
		jsapi_url //g.alicdn.com/dingding/dingtalk-jsapi/3.0.25/dingtalk.open.js?a=1&b=2
	}
	reverse_proxy UPSTREAM
}`, upstream: pageWithPolicy})
	tests := map[string]struct {
		policy string
		form   string
		nonce  string
	}{
		"an inline client":              {"", inline, ""},
		"an inline client with a nonce": {"script-src 'nonce-r4nd0m' https:", inline, "r4nd0m"},
		"a client of its own":           {"script-src 'self'", external, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.expectSigned(t, s.get(t, "/", "X-Policy", test.policy), s.url+"/")
			last := got.scripts[len(got.scripts)-1]
			if got.form != test.form || last["src"] != "//g.alicdn.com/dingding/dingtalk-jsapi/3.0.25/dingtalk.open.js?a=1&b=2" || last["nonce"] != test.nonce {
				t.Errorf("form %s, scripts %v", got.form, got.scripts)
			}
		})
	}
	t.Run("without any script of ours it is not loaded either", func(t *testing.T) {
		if got := s.get(t, "/", "X-Policy", "script-src 'none'").snippet(t); len(got.scripts) != 1 || got.form != data {
			t.Errorf("scripts %v", got.scripts)
		}
	})
}

func TestHashAndPolicyOfTheURL(t *testing.T) {
	s := run(t, setup{sites: `http://default.test:PORT {
	dingtalk {
		import app
	}
	reverse_proxy UPSTREAM
}
http://raw.test:PORT {
	dingtalk {
		import app
		url_policy raw
		hash sha256
	}
	reverse_proxy UPSTREAM
}
http://decoded.test:PORT {
	dingtalk {
		import app
		url_policy decoded
	}
	reverse_proxy UPSTREAM
}`})
	tests := map[string]struct {
		host string
		form sandbox.Form
		hash sandbox.Hash
	}{
		"by default the query is decoded once":        {"default.test", sandbox.QueryDecoded, sandbox.SHA1},
		"raw is as the browser shows it, with sha256": {"raw.test", sandbox.Raw, sandbox.SHA256},
		"decoded decodes the path, too":               {"decoded.test", sandbox.Decoded, sandbox.SHA1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := s.at(test.host) + "/%E4%B8%AD?q=%E6%96%87+a%2Bb"
			got := s.expectSigned(t, s.get(t, url), url)
			if v := s.ding.Verify(got.params(t), url); v.Form != test.form || v.Hash != test.hash {
				t.Errorf("form %s, hash %s", v.Form, v.Hash)
			}
		})
	}
}

func TestAServiceWindowHasTypeOne(t *testing.T) {
	s := run(t, setup{sites: `http://:PORT {
	reverse_proxy UPSTREAM
}`})
	o := s.ding.Options()
	_, api, _ := strings.Cut(s.credentials(t, s.ding), "api_base ")
	logins := map[string]struct {
		lines string
		kind  float64
	}{
		"a channel_secret":  {"channel_secret " + o.ChannelSecret, 1},
		"a corp_secret":     {"corp_secret " + o.CorpSecret, 0},
		"the legacy API":    {"api legacy\n\t\tapp_key " + o.AppKey + "\n\t\tapp_secret " + o.AppSecret, 0},
		"an overruled type": {"type 1\n\t\tapp_key " + o.AppKey + "\n\t\tapp_secret " + o.AppSecret + "\n\t\tapi_base " + api, 1},
	}
	for name, login := range logins {
		t.Run(name, func(t *testing.T) {
			block := login.lines + "\n\t\tcorp_id " + o.CorpID + "\n\t\tagent_id " + o.AgentID + "\n\t\toapi_base " + api
			if err := s.load(t, strings.Replace(s.caddyfile, "\treverse_proxy", "\tdingtalk {\n\t\t"+block+"\n\t}\n\treverse_proxy", 1)); err != nil {
				t.Fatal(err)
			}
			got := s.get(t, "/").snippet(t)
			var config struct{ Type any }
			if err := json.Unmarshal(got.Config, &config); err != nil || config.Type != login.kind {
				t.Errorf("type %#v, want the number %v", config.Type, login.kind)
			}
			if v := s.ding.Verify(got.params(t), s.url+"/"); v.OK == (name == "an overruled type") {
				t.Errorf("DingTalk says %+v", v)
			}
		})
	}
}

func TestTheClientOfAPageIsServedByTheEndpoint(t *testing.T) {
	s := run(t, setup{sites: signed, upstream: pageWithPolicy})
	got := s.expectSigned(t, s.get(t, "/", "X-Policy", "script-src 'self'"), s.url+"/")
	a := s.fetch(t, http.MethodGet, got.scripts[1]["src"], "", "Sec-Fetch-Dest", "script")
	if a.status != http.StatusOK || a.body != client.Source {
		t.Errorf("status %d, body %.60q", a.status, a.body)
	}
}
