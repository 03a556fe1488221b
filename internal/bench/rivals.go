package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// rival is another program, or another part of Caddy, that puts something into a
// page.
type rival struct {
	name    string
	inserts bool
	start   func(dir, caddy, upstream string) (*process, error)
}

// rivals are those of the table, apart from ourselves. Those that insert
// put about as many bytes into the head as we do.
var rivals = []rival{
	{"a wrapper that does nothing", false, startWrapper},
	{"templates", false, func(dir, caddy, upstream string) (*process, error) {
		return site{binary: caddy, directives: "templates", upstream: upstream}.start(dir)
	}},
	{"nginx proxy_pass, no insertion", false, startNginx("")},
	{"nginx sub_filter", true, startNginx(`sub_filter '<head>' '<head><script>` + filler + `</script>';`)},
	{"nginx and Lua that signs", true, startNginx(signingLua)},
	{"Apache mod_substitute", true, startApache},
}

// filler is a script of the length of ours in an ordinary page.
var filler = "/*" + strings.Repeat("x", len(ordinary())-len("<script>/**/</script>")) + "*/"

// ordinary is what an ordinary page gets.
func ordinary() []byte {
	r := client.NewRenderer(client.App{CorpID: "dingbench", AgentID: "1", JSAPIList: []string{"biz.contact.choose", "device.notification.alert"}, Endpoint: "/.dingtalk"})
	return r.Append(nil, client.Page{URL: "http://" + hostName + ":40000/30k.html", TimeStamp: "1700000000", NonceStr: "abcdefghijklmnop", Signature: strings.Repeat("0", 40)}, client.Form{})
}

// sizes are the pages and the script that the rivals pass on.
func sizes() []contest { return contests()[:4] }

// compare prints one line for each rival: its requests per second relative to plain
// Caddy's, and the 95 % interval.
func compare(o options, upstream string) error {
	dir, caddy, rounds := o.dir, o.caddy, max(o.rounds/4, 10)
	fmt.Printf("\n%-34s", "relative to plain Caddy")
	for _, c := range sizes() {
		fmt.Printf(" %22s", c.name)
	}
	fmt.Println()
	for _, r := range rivals {
		plain, err := site{binary: caddy, upstream: upstream}.start(dir)
		if err != nil {
			return err
		}
		other, err := r.start(dir, caddy, upstream)
		if err != nil {
			plain.stop()
			fmt.Printf("%-34s not measured: %v\n", r.name, err)
			continue
		}
		if err := r.check(other); err != nil {
			return err
		}
		fmt.Printf("%-34s", r.name)
		for _, c := range sizes() {
			result, err := duel(c.request, [2]*process{plain, other}, rounds, o)
			if err != nil {
				fmt.Printf(" %22v", err)
				continue
			}
			low, high := interval(result.rate)
			fmt.Printf("  %.3f (%.3f … %.3f)", median(result.rate), low, high)
		}
		fmt.Println()
		plain.stop()
		other.stop()
	}
	return nil
}

// check makes sure that the rival does what it is measured for.
func (r rival) check(p *process) error {
	page, err := p.document("/30k.html")
	if err != nil {
		return fmt.Errorf("asking %s: %w", r.name, err)
	}
	defer page.Close()
	body, err := io.ReadAll(page)
	if err != nil {
		return fmt.Errorf("asking %s: %w", r.name, err)
	}
	if bytes.Contains(body, []byte("<head><script>"+filler)) != r.inserts || len(body) < 30_000 {
		return fmt.Errorf("%s does not do what it should: %d bytes", r.name, len(body))
	}
	return nil
}

func startWrapper(dir, _, upstream string) (*process, error) {
	binary := filepath.Join(dir, "wrapper")
	if out, err := exec.Command("go", "build", "-o", binary, "./internal/bench/wrapper").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the wrapper: %w: %s", err, out)
	}
	return site{binary: binary, directives: "wrapper", upstream: upstream}.start(dir)
}

const nginxRival = `%[4]s
worker_processes 1;
master_process off;
daemon off;
pid %[1]s/rival.pid;
events { worker_connections 1024; }
http {
	access_log off;
	keepalive_requests 1000000;
	upstream origin { server %[3]s; keepalive 32; keepalive_requests 1000000; }
	server {
		listen %[2]s;
		location / {
			proxy_pass http://origin;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			%[5]s
		}
	}
}
`

// signingLua is what one writes with OpenResty: the ticket at hand, the signature
// of the URL that nginx knows.
var signingLua = `
			header_filter_by_lua_block {
				ngx.ctx.page = (ngx.header.content_type or ""):find("text/html", 1, true)
				if ngx.ctx.page then ngx.header.content_length = nil end
			}
			body_filter_by_lua_block {
				if not ngx.ctx.page then return end
				local at = ngx.arg[1]:find("<head>", 1, true)
				if not at then return end
				ngx.ctx.page = false
				local nonce, stamp = string.format("%016x", math.random(2^52)), ngx.time()
				local url = ngx.var.scheme .. "://" .. ngx.var.http_host .. ngx.var.request_uri
				local sum = ngx.sha1_bin("jsapi_ticket=0123456789012345678901234567890123456789012345678901234567890123&noncestr=" .. nonce .. "&timestamp=" .. stamp .. "&url=" .. url)
				local hex = sum:gsub(".", function (c) return string.format("%02x", c:byte()) end)
				ngx.arg[1] = ngx.arg[1]:sub(1, at + 5) .. "<script>` + filler + `('" .. url .. nonce .. stamp .. hex .. "')</script>" .. ngx.arg[1]:sub(at + 6)
			}`

func startNginx(directives string) func(dir, caddy, upstream string) (*process, error) {
	return func(dir, _, upstream string) (*process, error) {
		modules := ""
		if strings.Contains(directives, "_by_lua") {
			for _, name := range []string{"ndk_http_module", "ngx_http_lua_module"} {
				path := "/usr/lib/nginx/modules/" + name + ".so"
				if _, err := os.Stat(path); err != nil {
					return nil, fmt.Errorf("install libnginx-mod-http-lua: %w", err)
				}
				modules += "load_module " + path + ";\n"
			}
		}
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		conf := filepath.Join(dir, "rival.conf")
		if err := os.WriteFile(conf, fmt.Appendf(nil, nginxRival, dir, addr, upstream, modules, directives), 0o644); err != nil {
			return nil, err
		}
		return start(&process{cmd: exec.Command("taskset", "-c", "0", "nginx", "-e", filepath.Join(dir, "rival.err"), "-c", conf), addr: addr})
	}
}

const apacheConf = `ServerRoot %[1]s
PidFile %[1]s/apache.pid
ErrorLog %[1]s/apache.err
Listen %[2]s
ServerName bench
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule substitute_module /usr/lib/apache2/modules/mod_substitute.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
KeepAlive On
MaxKeepAliveRequests 0
ProxyPass / http://%[3]s/ enablereuse=on
AddOutputFilterByType SUBSTITUTE text/html
Substitute "s|<head>|<head><script>%[4]s</script>|n"
`

func startApache(dir, _, upstream string) (*process, error) {
	if _, err := exec.LookPath("apache2"); err != nil {
		return nil, fmt.Errorf("install apache2-bin: %w", err)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "apache.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, apacheConf, dir, addr, upstream, filler), 0o644); err != nil {
		return nil, err
	}
	return start(&process{cmd: exec.Command("taskset", "-c", "0", "apache2", "-X", "-f", conf), addr: addr})
}
