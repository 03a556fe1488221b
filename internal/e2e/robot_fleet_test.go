package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite"
)

// emitter emits an event test for each request, with the request's query as n.
type emitter struct {
	ctx    caddy.Context
	events *caddyevents.App
}

func init() {
	caddy.RegisterModule(emitter{})
	httpcaddyfile.RegisterHandlerDirective("test_emit", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return new(emitter), nil
	})
	httpcaddyfile.RegisterDirectiveOrder("test_emit", httpcaddyfile.Before, "header")
}

func (emitter) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_emit", New: func() caddy.Module { return new(emitter) }}
}

func (h *emitter) Provision(ctx caddy.Context) error {
	app, err := ctx.App("events")
	if err != nil {
		return err
	}
	h.ctx, h.events = ctx, app.(*caddyevents.App)
	return nil
}

func (h *emitter) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	if r.URL.Path == "/emit" {
		h.events.Emit(h.ctx, "test", map[string]any{"n": r.URL.RawQuery})
	}
	return next.ServeHTTP(w, r)
}

// TestAFleetSendsTwentyRobotMessagesAMinuteAndAccountsForAll has more processes
// than the limit of a minute allows for: without the storage that they share the
// 21st try would come after six seconds, and DingTalk would take none for ten minutes.
func TestAFleetSendsTwentyRobotMessagesAMinuteAndAccountsForAll(t *testing.T) {
	const limit, lasts = 20, 12 * time.Second
	a := testsite.NewFleetApp("robot", sandbox.Options{})
	ding := httptest.NewServer(a.Ding)
	t.Cleanup(ding.Close)
	a.Options = fmt.Sprintf(`	events {
		on test dingtalk_robot {
			webhook %s/robot/send?access_token=%s
			text "event {event.data.n}"
			every 3s
		}
	}
`, ding.URL, sandbox.RobotToken)
	a.Routes = "test_emit"
	f := testsite.StartFleet(t, fleetSize, a)

	emitted := make([]int, fleetSize)
	var wg sync.WaitGroup
	for i := range f.Processes {
		wg.Go(func() {
			s := f.Site(i, a)
			for start := time.Now(); time.Since(start) < lasts; time.Sleep(100 * time.Millisecond) {
				s.Fetch(t, http.MethodGet, fmt.Sprintf("%s/emit?%d-%d", s.URL, i, emitted[i]), "")
				emitted[i]++
			}
		})
	}
	wg.Wait()
	lost := 0
	for i := range f.Processes {
		log := f.Stop(t, i)
		if m := regexp.MustCompile(`ending with robot messages that were not sent.*"lost": ?(\d+)`).FindStringSubmatch(log); m != nil {
			n, _ := strconv.Atoi(m[1])
			lost += n
		}
	}
	want := 0
	for _, n := range emitted {
		want += n
	}
	tries := a.Ding.RobotMessages()
	told := 0
	for _, m := range tries {
		if m.Errcode != 0 {
			t.Errorf("a try was refused with %d", m.Errcode)
			continue
		}
		told += messagesIn(t, m.Body)
	}
	t.Logf("%d events: %d told by %d tries, %d logged as lost", want, told, len(tries), lost)
	if len(tries) != limit {
		t.Errorf("%d tries, want the %d that a minute allows", len(tries), limit)
	}
	if told+lost != want {
		t.Errorf("%d told and %d logged as lost of %d", told, lost, want)
	}
}

// messagesIn returns how many messages a message tells: its own, or those of a
// digest.
func messagesIn(t *testing.T, body []byte) int {
	t.Helper()
	var m struct{ Markdown struct{ Title string } }
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	count := regexp.MustCompile(`(\d+) 条消息`).FindStringSubmatch(m.Markdown.Title)
	if count == nil {
		return 1
	}
	n, _ := strconv.Atoi(count[1])
	return n
}

// Interface guards
var (
	_ caddy.Provisioner           = (*emitter)(nil)
	_ caddyhttp.MiddlewareHandler = (*emitter)(nil)
)
