package examine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

func TestTheTicketOfRunningServersSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Refetch: sandbox.NewValue}, nil)
	running, err := w.server(t).Ticket(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.settled(t)
	for range 3 {
		w.examine(t, storageLine+goodSite)
	}
	if w.ding.Ticket(sandbox.App) != running.Value || w.ding.Calls()["v1.ticket"] != 1 {
		t.Errorf("the ticket in use was replaced: %v", w.ding.Calls())
	}
}

func TestATicketThatIsFetchedIsThereForTheServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Refetch: sandbox.NewValue}, nil)
	w.examine(t, storageLine+goodSite)
	later, err := w.server(t).Ticket(t.Context(), time.Minute)
	if err != nil || later.Value != w.ding.Ticket(sandbox.App) {
		t.Fatalf("a server does not find the ticket: %v", err)
	}
	if calls := w.ding.Calls(); calls["v1.ticket"] != 1 || calls["v1.token"] != 1 {
		t.Errorf("calls %v", calls)
	}
}

func TestNoTicketIsFetchedThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"readonly", "forgetful", "unloadable"} {
		w := newWorld(t, sandbox.Options{Refetch: sandbox.NewValue}, nil)
		w.examine(t, faultyStorageLine(fault)+goodSite)
		if calls := w.ding.Calls(); calls["v1.ticket"] != 0 || calls["v1.token"] != 1 {
			t.Errorf("%s: calls %v", fault, calls)
		}
		if left := w.stored(t); len(left) != 0 {
			t.Errorf("%s: written %v", fault, left)
		}
	}
}

func TestTheDefaultStorageOfAUserWhoNeverRanCaddyIsLeftAlone(t *testing.T) {
	w := newWorld(t, sandbox.Options{Refetch: sandbox.NewValue}, nil)
	defer func(before *certmagic.FileStorage) { caddy.DefaultStorage = before }(caddy.DefaultStorage)
	caddy.DefaultStorage = &certmagic.FileStorage{Path: filepath.Join(w.dir, "storage")}
	report, text := w.examine(t, goodSite)
	if !strings.Contains(text, "! storage        Caddy's storage (the folder "+w.dir) || report.Count(examine.Error) != 0 {
		t.Errorf("the report is\n%s", text)
	}
	if len(w.stored(t)) != 0 || w.ding.Calls()["v1.ticket"] != 0 {
		t.Errorf("calls %v, written %v", w.ding.Calls(), w.stored(t))
	}
	if err := os.Mkdir(caddy.DefaultStorage.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, text := w.examine(t, goodSite); !strings.Contains(text, "0 errors, 0 warnings") {
		t.Errorf("once Caddy has run, the report is\n%s", text)
	}
}
