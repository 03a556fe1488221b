package e2e

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
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
	"github.com/caddy-dingtalk/caddy-dingtalk/tenant"
)

func TestDDConfigHasExactlyTheParametersOfDDConfig(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://h5.test:PORT {
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
			got := s.ExpectSigned(t, s.Get(t, s.At(test.host)+"/p?x=1"), s.At(test.host)+"/p?x=1")
			var config map[string]any
			if err := json.Unmarshal(got.Config, &config); err != nil {
				t.Fatal(err)
			}
			keys := slices.Sorted(maps.Keys(config))
			if want := []string{"agentId", "corpId", "jsApiList", "nonceStr", "signature", "timeStamp", "type"}; !slices.Equal(keys, want) {
				t.Errorf("members %v, want %v", keys, want)
			}
			o := s.Ding.Options()
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
	s := testsite.Run(t, testsite.Setup{Sites: `http://h5.test:PORT {
	dingtalk {
		import app
		endpoint /sign
	}
	reverse_proxy UPSTREAM
}`})
	got := s.ExpectSigned(t, s.Get(t, s.At("h5.test")+"/"), s.At("h5.test")+"/")
	if got.Sidecar.Endpoint != "/sign" || got.Sidecar.Version != tenant.Version {
		t.Errorf("%+v", got.Sidecar)
	}
	var members struct{ Sidecar map[string]any }
	text := got.Text[strings.LastIndex(got.Text, `({"config":`)+1 : len(got.Text)-1]
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(members.Sidecar))
	if want := []string{"endpoint", "error", "url", "version"}; !slices.Equal(keys, want) {
		t.Errorf("members %v, want %v", keys, want)
	}
}

func TestTwoPagesHaveDifferentNonces(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	one := s.Get(t, "/").Snippet(t).Params(t)
	two := s.Get(t, "/").Snippet(t).Params(t)
	if one.NonceStr == two.NonceStr || one.Signature == two.Signature {
		t.Errorf("%+v and %+v", one, two)
	}
}

func TestTheSnippetIsTheOnlyChangeOfAPage(t *testing.T) {
	pages := map[string]struct{ before, after string }{
		"after head":                       {"<!DOCTYPE html>\n<html><head>", "<title>H5</title></head><body>页面</body></html>\n"},
		"after head with attributes":       {`<!DOCTYPE html><html lang=zh><head class="a>b">`, "<meta charset=utf-8></head><body></body></html>"},
		"before the script of a bare page": {"<!-- no head -->\n", "<script>1</script><p>页面"},
		"before text":                      {"  ", "hello"},
	}
	var body string
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(body))
	})})
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			body = page.before + page.after
			a := s.Get(t, "/")
			s.ExpectSigned(t, a, s.URL+"/")
			inserted, ok := strings.CutPrefix(a.Body, page.before)
			if inserted, ok2 := strings.CutSuffix(inserted, page.after); !ok || !ok2 ||
				!strings.HasPrefix(inserted, "<script>") || !strings.HasSuffix(inserted, "</script>") || strings.Count(inserted, "</script") != 1 {
				t.Errorf("page is %q", a.Body)
			}
		})
	}
}

func TestAPageThatAnswersAPostIsSigned(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed})
	a := s.Do(t, http.MethodPost, "/form?step=2", "a=1", testsite.DocumentHeader("Content-Type", "application/x-www-form-urlencoded"))
	s.ExpectSigned(t, a, s.URL+"/form?step=2")
}

func TestAnErrorPageIsSigned(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		testsite.ServePage(w, r)
	})})
	a := s.Get(t, "/gone")
	if a.Status != http.StatusNotFound {
		t.Errorf("status %d", a.Status)
	}
	s.ExpectSigned(t, a, s.URL+"/gone")
}

func TestJSAPIURLIsLoadedBehindTheClient(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	dingtalk {
		import app
		jsapi_url //g.alicdn.com/dingding/dingtalk-jsapi/3.0.25/dingtalk.open.js?a=1&b=2
	}
	reverse_proxy UPSTREAM
}`, Upstream: pageWithPolicy})
	tests := map[string]struct {
		policy string
		form   string
		nonce  string
	}{
		"an inline client":              {"", testsite.Inline, ""},
		"an inline client with a nonce": {"script-src 'nonce-r4nd0m' https:", testsite.Inline, "r4nd0m"},
		"a client of its own":           {"script-src 'self'", testsite.External, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.ExpectSigned(t, s.Get(t, "/", "X-Policy", test.policy), s.URL+"/")
			last := got.Scripts[len(got.Scripts)-1]
			if got.Form != test.form || last["src"] != "//g.alicdn.com/dingding/dingtalk-jsapi/3.0.25/dingtalk.open.js?a=1&b=2" || last["nonce"] != test.nonce {
				t.Errorf("form %s, scripts %v", got.Form, got.Scripts)
			}
		})
	}
	t.Run("without any script of ours it is not loaded either", func(t *testing.T) {
		if got := s.Get(t, "/", "X-Policy", "script-src 'none'").Snippet(t); len(got.Scripts) != 1 || got.Form != testsite.Data {
			t.Errorf("scripts %v", got.Scripts)
		}
	})
}

func TestHashAndPolicyOfTheURL(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://default.test:PORT {
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
			url := s.At(test.host) + "/%E4%B8%AD?q=%E6%96%87+a%2Bb"
			got := s.ExpectSigned(t, s.Get(t, url), url)
			if v := s.Ding.Verify(got.Params(t), url); v.Form != test.form || v.Hash != test.hash {
				t.Errorf("form %s, hash %s", v.Form, v.Hash)
			}
		})
	}
}

func TestAServiceWindowHasTypeOne(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: `http://:PORT {
	reverse_proxy UPSTREAM
}`})
	o := s.Ding.Options()
	_, api, _ := strings.Cut(s.Credentials(t, s.Ding), "oapi_base ")
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
			if err := s.Load(t, strings.Replace(s.Caddyfile, "\treverse_proxy", "\tdingtalk {\n\t\t"+block+"\n\t}\n\treverse_proxy", 1)); err != nil {
				t.Fatal(err)
			}
			got := s.Get(t, "/").Snippet(t)
			var config struct{ Type any }
			if err := json.Unmarshal(got.Config, &config); err != nil || config.Type != login.kind {
				t.Errorf("type %#v, want the number %v", config.Type, login.kind)
			}
			if v := s.Ding.Verify(got.Params(t), s.URL+"/"); v.OK == (name == "an overruled type") {
				t.Errorf("DingTalk says %+v", v)
			}
		})
	}
}

func TestTheClientOfAPageIsServedByTheEndpoint(t *testing.T) {
	s := testsite.Run(t, testsite.Setup{Sites: testsite.Signed, Upstream: pageWithPolicy})
	got := s.ExpectSigned(t, s.Get(t, "/", "X-Policy", "script-src 'self'"), s.URL+"/")
	a := s.Fetch(t, http.MethodGet, got.Scripts[1]["src"], "", "Sec-Fetch-Dest", "script")
	if a.Status != http.StatusOK || a.Body != client.Source {
		t.Errorf("status %d, body %.60q", a.Status, a.Body)
	}
}
