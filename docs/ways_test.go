package docs_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

const site = "https://h5.example.com"

// TestTheFilesBehindNginxPasteTogether copies both files of "behind nginx" out of
// the docs and runs them: only addresses, names of files and DingTalk are others.
func TestTheFilesBehindNginxPasteTogether(t *testing.T) {
	nginx, caddyfile := section(t, "B: behind nginx")
	w := startWay(t, nginx, caddyfile)
	for _, target := range []string{"/", "/app/%e4%b8%ad?q=%20+&r=1", "/a//b?x="} {
		page, heard := w.get(t, target, "document")
		config := w.config(t, page)
		if v := w.ding.Verify(config, site+target); !v.OK {
			t.Errorf("%s: DingTalk says %+v to %+v in\n%s", target, v, config, page)
		}
		if heard.Host != "h5.example.com" || heard.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("the app hears Host %q and %v", heard.Host, heard.Header)
		}
		if got := heard.Header.Get("X-Forwarded-Host"); got != "h5.example.com" {
			t.Errorf("the app hears X-Forwarded-Host %q, which only the visitor said", got)
		}
	}
}

// TestTheEndpointsAloneSignForAnApp does so with the files of "only /.dingtalk/".
func TestTheEndpointsAloneSignForAnApp(t *testing.T) {
	location, caddyfile := section(t, "C: only /.dingtalk/ goes through Caddy")
	nginx, _ := section(t, "B: behind nginx")
	beside := location + "location / {\nproxy_set_header Host $http_host;\nproxy_pass http://127.0.0.1:3000;\n}\n"
	whole := regexp.MustCompile(`(?s)\tlocation / \{.*?\n\t\}\n`).ReplaceAllLiteralString(nginx, beside)
	w := startWay(t, whole, caddyfile)

	if page, _ := w.get(t, "/orders?id=7", "document"); page != appPage {
		t.Errorf("the page has become\n%s", page)
	}
	text, heard := w.get(t, "/.dingtalk/config?url="+url.QueryEscape(site+"/orders?id=7"), "empty")
	if heard != nil {
		t.Error("the app was asked for an endpoint")
	}
	var config sandbox.ConfigParams
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if v := w.ding.Verify(config, site+"/orders?id=7"); !v.OK {
		t.Errorf("DingTalk says %+v to %s", v, text)
	}
}

// TestTheRulesAskForMetricsThatExist: a rule over a name or a value of a label that is
// not there never fires, and nobody notices.
func TestTheRulesAskForMetricsThatExist(t *testing.T) {
	ding := sandbox.New(sandbox.Options{Suites: make([]sandbox.Suite, 1)})
	api := httptest.NewServer(ding)
	t.Cleanup(api.Close)
	o, suite := ding.Options(), ding.Suites()[0]
	addrs := freeAddrs(t, 2)
	addr := addrs[0]
	startCaddy(t, fmt.Sprintf(`{
	events {
		on cert_failed dingtalk_robot {
			webhook %s/robot/send?access_token=%s
		}
	}
}
http://%s {
	dingtalk {
		app_key %s
		app_secret %s
		corp_id %s
		agent_id %s
		api_base %s
		login {
			public /metrics
		}
	}
	metrics /metrics
}
http://%s {
	dingtalk {
		api_base %[8]s
		oapi_base %[8]s
		suite %[10]s {
			suite_secret %[11]s
			token %[12]s
			aes_key %[13]s
		}
	}
}
`, api.URL, sandbox.RobotToken, addr, o.AppKey, o.AppSecret, o.CorpID, o.AgentID, api.URL, addrs[1], suite.Key, suite.Secret, suite.Token, suite.AESKey), filepath.Join(testsite.Folder(t), "storage"))

	fetch := func(target string) string {
		res, err := http.Get("http://" + addr + target)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v\n%s", target, res.Status, err, body)
		}
		return string(body)
	}
	fetch("/.dingtalk/config?url=" + url.QueryEscape("http://"+addr+"/")) // calls DingTalk
	ticketHeld := regexp.MustCompile(`(?m)^caddy_dingtalk_suite_ticket_held\{app="[0-9a-f]+"\} (\d)$`)
	if held := ticketHeld.FindStringSubmatch(fetch("/metrics")); len(held) != 2 || held[1] != "0" {
		t.Errorf("before there is a suite_ticket its metric is %q", held)
	}
	if reply, err := ding.Push(t.Context(), sandbox.Push{URL: "http://" + addrs[1] + "/.dingtalk/callback", Event: "suite_ticket"}); err != nil || reply.Status != http.StatusOK {
		t.Fatal(reply, err)
	}
	metrics := fetch("/metrics")
	if held := ticketHeld.FindStringSubmatch(metrics); len(held) != 2 || held[1] != "1" {
		t.Errorf("when there is a suite_ticket its metric is %q", held)
	}
	for _, zero := range []string{
		`caddy_dingtalk_callbacks_total{event="org_suite_relieve",result="storage_unavailable"} 0`, `caddy_dingtalk_callbacks_total{event="other",result="bad_signature"} 0`,
		`caddy_dingtalk_callbacks_total{event="suite_ticket",result="ok"} 1`, `caddy_dingtalk_tenant_pages_total{by="query",result="signed"} 0`,
		`caddy_dingtalk_tenant_pages_total{by="none",result="tenant_unknown"} 0`,
	} {
		if !strings.Contains(metrics, zero) {
			t.Errorf("no %s among\n%s", zero, regexp.MustCompile(`(?m)^caddy_dingtalk_(?:cal|ten).*$`).FindAllString(metrics, -1))
		}
	}

	name := regexp.MustCompile(`(caddy_dingtalk_\w+)(?:\{(\w+="\w+")\})?`)
	for _, file := range []string{"deploy/alerts.yaml", "deploy/grafana.json", "operations.md", "zh/operations.md"} {
		found := name.FindAllStringSubmatch(string(read(t, file)), -1)
		if len(found) < 4 {
			t.Errorf("%s names %d metrics", file, len(found))
		}
		for _, m := range found {
			if !regexp.MustCompile(`(?m)^` + m[1] + `(?:\{[^}]*` + m[2] + `| \d)`).MatchString(metrics) {
				t.Errorf("%s asks for %s, which is not among\n%s", file, m[0], regexp.MustCompile(`(?m)^caddy_dingtalk.*$`).FindAllString(metrics, -1))
			}
		}
	}
}

// TestTheDashboardIsWhole: each panel asks Prometheus for something, by labels that the
// metric has, and none lies over another.
func TestTheDashboardIsWhole(t *testing.T) {
	var d struct {
		Panels []struct {
			Title, Description string
			GridPos            struct{ X, Y, W, H int }
			Targets            []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(read(t, "deploy/grafana.json"), &d); err != nil {
		t.Fatal(err)
	}
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("%s says nothing: %+v", p.Title, p)
		}
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `instance=~"$instance"`) || strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("%s: %s", p.Title, target.Expr)
			}
			for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				if by := regexp.MustCompile(`by \(([^)]*)\)`).FindString(target.Expr); by != "" && !strings.Contains(by, label[1]) {
					t.Errorf("%s: the legend names %s, which %s drops", p.Title, label[1], by)
				}
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies over %q or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// section returns the first block of nginx and of Caddyfile below a heading of deploy.md.
func section(t *testing.T, heading string) (nginx, caddyfile string) {
	t.Helper()
	_, rest, found := strings.Cut(string(read(t, "deploy.md")), "\n## "+heading+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	n, c := blocks([]byte(rest), "nginx"), blocks([]byte(rest), "caddyfile")
	if !found || len(n) != 1 || len(c) != 1 {
		t.Fatalf("below %q stand %d blocks of nginx and %d Caddyfiles", heading, len(n), len(c))
	}
	return string(n[0]), string(c[0])
}

const appPage = "<!doctype html><title>app</title><p>hello"

// way is nginx, Caddy and an app, as one way in has them.
type way struct {
	ding  *sandbox.DingTalk
	https string // where nginx listens for TLS
	heard chan *http.Request
}

func startWay(t *testing.T, nginxConf, caddyfile string) *way {
	t.Helper()
	testsite.NeedNginx(t)
	w := &way{ding: sandbox.New(sandbox.Options{}), heard: make(chan *http.Request, 1)}
	api := httptest.NewServer(w.ding)
	t.Cleanup(api.Close)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.heard <- r
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, appPage)
	}))
	t.Cleanup(app.Close)

	dir := testsite.Folder(t)
	free := freeAddrs(t, 3)
	w.https = free[0]
	port := func(addr string) string { return addr[strings.LastIndexByte(addr, ':'):] }

	o := w.ding.Options()
	startCaddy(t, strings.NewReplacer(
		"{env.DINGTALK_APP_KEY}", o.AppKey, "{env.DINGTALK_APP_SECRET}", o.AppSecret,
		"corp_id ding0123456789abcdef", "corp_id "+o.CorpID, "agent_id 1234567890", "agent_id "+o.AgentID+"\napi_base "+api.URL+"\noapi_base "+api.URL,
		":8080", port(free[1]), "localhost:3000", app.Listener.Addr().String(),
	).Replace(caddyfile), filepath.Join(dir, "storage"))

	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	testsite.WriteCertificate(t, cert, key, "h5.example.com")
	testsite.Nginx(t, dir, w.https, strings.NewReplacer(
		"/etc/nginx/h5.example.com.pem", cert, "/etc/nginx/h5.example.com.key", key,
		"listen 80;", "listen "+free[2]+";", "listen 443 ssl;", "listen "+w.https+" ssl;",
		"127.0.0.1:8080", free[1], "127.0.0.1:3000", app.Listener.Addr().String(),
	).Replace(nginxConf))
	return w
}

// client is whose connections all go to nginx.
func (w *way) client(t *testing.T) *http.Client {
	client := &http.Client{Transport: &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true}, // the certificate is made up here
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, w.https)
		},
	}, Timeout: 20 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// get asks for a target as a browser does, and as somebody who names another host. It
// returns the body and what the app heard, nil if it was not asked.
func (w *way) get(t *testing.T, target, dest string) (string, *http.Request) {
	t.Helper()
	client := w.client(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Dest", dest)
	req.Header.Set("X-Forwarded-Host", "evil.test")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", target, res.Status, err, body)
	}
	select {
	case heard := <-w.heard:
		return string(body), heard
	default:
		return string(body), nil
	}
}

// config reads the parameters out of a signed page.
func (w *way) config(t *testing.T, page string) (p sandbox.ConfigParams) {
	t.Helper()
	at := strings.Index(page, `{"agentId"`)
	if at < 0 {
		t.Fatalf("no parameters in\n%s", page)
	}
	if err := json.NewDecoder(strings.NewReader(page[at:])).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func startCaddy(t *testing.T, text, storage string) {
	t.Helper()
	options := "\tadmin off\n\tpersist_config off\n\tstorage file_system " + storage + "\n"
	if strings.HasPrefix(text, "{\n") {
		text = "{\n" + options + text[2:]
	} else {
		text = "{\n" + options + "}\n" + text
	}
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// freeAddrs returns addresses on loopback that nobody listens on.
func freeAddrs(t *testing.T, n int) (out []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are found, so that they differ
		out = append(out, l.Addr().String())
	}
	return out
}

// TestAnAppBehindNginxLearnsWhoAsks with the files of "Other apps behind nginx": who is not
// signed in gets Caddy's page, and nobody writes an identity of their own.
func TestAnAppBehindNginxLearnsWhoAsks(t *testing.T) {
	_, text, _ := strings.Cut(string(read(t, "sign-in.md")), "\n## Other apps behind nginx\n")
	locations, caddyfile := string(blocks([]byte(text), "nginx")[0]), string(blocks([]byte(text), "caddyfile")[0])
	nginx, _ := section(t, "B: behind nginx")
	w := startWay(t, regexp.MustCompile(`(?s)\tlocation / \{.*?\n\t\}\n`).ReplaceAllLiteralString(nginx, locations), caddyfile)
	client := w.client(t)
	ask := func(method, target, body string, headers ...string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, site+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = testsite.Header(append([]string{"X-DingTalk-User-Id", "evil", "X-DingTalk-Admin", "evil", "X_DingTalk_Name", "evil", "X-DingTalk-Jwt", "evil",
			"X-DingTalk-Open-Id", "evil", "X-Forwarded-Proto", "http"}, headers...)...)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(text)
	}
	document := []string{"Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "cross-site", "Accept", "text/html"}
	script := []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin", "Accept", "*/*"}

	if res, page := ask("GET", "/orders?id=7", "", document...); res.StatusCode != 401 || !strings.Contains(page, `data-state="asking"`) {
		t.Fatalf("a stranger's document: %s\n%s", res.Status, page)
	}
	if res, answer := ask("POST", "/api", "body", script...); res.StatusCode != 401 || !strings.Contains(answer, `"not_signed_in"`) {
		t.Errorf("a stranger's script: %s\n%s", res.Status, answer)
	}
	in, answer := ask("POST", "/.dingtalk/login", `{"code":"`+w.ding.Code("app", "u1")+`"}`, append(script, "Content-Type", "application/json")...)
	cookie, _, _ := strings.Cut(in.Header.Get("Set-Cookie"), ";")
	if in.StatusCode != 200 || !strings.HasPrefix(cookie, "__Host-dingtalk-") {
		t.Fatalf("signing in: %s\n%s", in.Status, answer)
	}
	if len(w.heard) > 0 {
		t.Fatal("the app was asked for a stranger")
	}
	for _, headers := range [][]string{document, script} {
		if res, page := ask("GET", "/orders?id=7", "", append(headers, "Cookie", cookie)...); res.StatusCode != 200 || page != appPage {
			t.Fatalf("who is signed in gets %s\n%s", res.Status, page)
		}
		heard := <-w.heard
		for name, values := range heard.Header {
			if strings.Contains(strings.Join(values, ""), "evil") {
				t.Errorf("the app hears %s: %q", name, values)
			}
		}
		if heard.Header.Get("X-DingTalk-User-Id") != "u1" || heard.Header.Get("X-DingTalk-Admin") != "true" || heard.Header.Get("X-DingTalk-Name") != "%E5%BC%A0%E4%B8%89" {
			t.Errorf("the app hears %v", heard.Header)
		}
	}
}
