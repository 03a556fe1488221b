package dingtalk

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

// TestAFleetFetchesOnce starts real processes over one storage, all at once and
// all cold.
func TestAFleetFetchesOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Caddy")
	}
	const processes, pages = 4, 50
	dir := folder(t)
	binary := filepath.Join(dir, "caddy")
	if out, err := exec.Command("go", "build", "-o", binary, "./cmd/caddy").CombinedOutput(); err != nil {
		t.Fatalf("building Caddy: %v\n%s", err, out)
	}
	ding := sandbox.New(sandbox.Options{Refetch: sandbox.NewValue})
	s := &site{ding: ding, dir: dir}
	credentials := s.credentials(t, ding)
	upstream := httptest.NewServer(http.HandlerFunc(servePage))
	t.Cleanup(upstream.Close)

	var fleet []*site
	for range processes {
		one := &site{ding: ding, addr: freeAddr(t)}
		one.url = "http://" + one.addr
		one.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: pages}}
		one.start(t, binary, dir, credentials, upstream.Listener.Addr().String())
		fleet = append(fleet, one)
	}
	for _, one := range fleet {
		eventually(t, "a process that answers", func() bool {
			resp, err := one.client.Get(one.url + "/ready") // no document: nothing is fetched
			if err == nil {
				resp.Body.Close()
			}
			return err == nil
		})
	}
	if calls := ding.Calls(); len(calls) != 0 {
		t.Fatalf("the fleet is not cold: %v", calls)
	}

	var visitors sync.WaitGroup
	var mu sync.Mutex
	unsigned := make(map[string]int)
	for _, one := range fleet {
		for i := range pages {
			visitors.Go(func() {
				path := fmt.Sprint("/p?n=", i)
				got := one.get(t, path).snippet(t)
				reason := ""
				switch {
				case got == nil:
					reason = "no snippet"
				case got.Sidecar.Error != nil:
					reason = got.Sidecar.Error.Message
				case !ding.Verify(got.params(t), one.url+path).OK:
					reason = "refused"
				default:
					return
				}
				mu.Lock()
				defer mu.Unlock()
				unsigned[reason]++
			})
		}
	}
	visitors.Wait()
	if len(unsigned) > 0 {
		t.Errorf("of %d pages these passed unsigned: %v", processes*pages, unsigned)
	}
	if calls := ding.Calls(); calls["v1.token"] != 1 || calls["v1.ticket"] != 1 {
		t.Errorf("calls %v, want one of each", calls)
	}
}

// start runs the site as a process of its own.
func (s *site) start(t *testing.T, binary, dir, credentials, upstream string) {
	t.Helper()
	file := filepath.Join(dir, strings.ReplaceAll(s.addr, ":", "-")+".Caddyfile")
	text := fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tauto_https off\n\tstorage file_system %s/storage\n}\nhttp://%s {\n\tdingtalk {\n\t\t%s\n\t\tticket_wait 20s\n\t}\n\treverse_proxy %s\n}\n",
		dir, s.addr, credentials, upstream)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", s.addr, log.String())
		}
	})
}
