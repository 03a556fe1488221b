package tokens

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// isv is DingTalk as the corps of a third-party app see it: each call for an access
// token brings another one.
type isv struct {
	mu     sync.Mutex
	access map[string]int // calls, by corp
	ticket map[string]int
}

func newISV() *isv { return &isv{access: make(map[string]int), ticket: make(map[string]int)} }

func (d *isv) of(corp string) Source { return &isvCorp{d, corp} }

type isvCorp struct {
	*isv
	corp string
}

func (c *isvCorp) AccessToken(ctx context.Context) (string, time.Duration, error) {
	if err := sleep(ctx, 50*time.Millisecond); err != nil {
		return "", 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.access[c.corp]++
	return fmt.Sprintf("access-%s-%d", c.corp, c.access[c.corp]), 2 * time.Hour, nil
}

func (c *isvCorp) Ticket(ctx context.Context, access string) (string, time.Duration, error) {
	if err := sleep(ctx, 50*time.Millisecond); err != nil {
		return "", 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if want := fmt.Sprintf("access-%s-%d", c.corp, c.access[c.corp]); access != want {
		return "", 0, &refusal{class: "access token " + access, rejected: true}
	}
	c.ticket[c.corp]++
	return fmt.Sprintf("ticket-%s", c.corp), 2 * time.Hour, nil
}

func (d *isv) calls(corp string) (access, ticket int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.access[corp], d.ticket[corp]
}

func newGroup(d *isv, storage Storage) *Group {
	g := NewGroup("suite-1")
	g.Use(Options{Storage: storage, Log: silent}, d.of)
	return g
}

func TestTheFleetFetchesTheTokensOfACorpOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, shared := newISV(), newShelf()
		var all sync.WaitGroup
		for range 3 {
			g := newGroup(d, shared)
			for i := range 100 {
				app := g.App([]string{"corp1", "corp2"}[i%2]) // of its own: no flight is shared but by name
				all.Go(func() {
					if _, err := app.Ticket(t.Context(), 30*time.Second); err != nil {
						t.Error(err)
					}
				})
				all.Go(func() {
					if _, err := app.AccessToken(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		for _, corp := range []string{"corp1", "corp2"} {
			if access, ticket := d.calls(corp); access != 1 || ticket != 1 {
				t.Errorf("%s: %d access tokens and %d tickets", corp, access, ticket)
			}
		}
	})
}

func TestACorpKeepsNoAccessTokenThatTheStorageHas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d, shared := newISV(), newShelf()
		app := newGroup(d, shared).App("corp1")
		if _, err := app.Ticket(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if app.access.get() != nil {
			t.Error("it is held")
		}
		first, err := app.AccessToken(t.Context())
		if access, _ := d.calls("corp1"); err != nil || access != 1 {
			t.Errorf("%d calls, %v", access, err)
		}
		app.RefuseAccess(first.Value)
		second, err := app.AccessToken(t.Context())
		if err != nil || second.Value == first.Value {
			t.Errorf("the refused token comes back: %v", err)
		}
	})
}

func TestTheLatestConfigurationThatIsInUseCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		first, second := newISV(), newISV()
		g := NewGroup("suite-1")
		g.Use(Options{Storage: newShelf(), Log: silent}, first.of)
		app := g.App("corp1")
		stop := g.Use(Options{Storage: newShelf(), Log: silent}, second.of)
		if _, err := app.Ticket(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the access token is given up when the ticket has been stored
		stop()
		if err := app.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, d := range map[string]*isv{"first": first, "second": second} {
			if _, ticket := d.calls("corp1"); ticket != 1 {
				t.Errorf("%d calls of the %s", ticket, name)
			}
		}
		if got := app.Keys(); len(got) != 2 || got[1] != "dingtalk/suite-1/corp1/jsapi_ticket.json" {
			t.Errorf("the keys are %q", got)
		}
	})
}

// The corps of a third-party app must leave half of the room to what is known of each.
func TestOneOfManyCorpsOfAGroupCostsLittleBesidesItsTicket(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	calls := new(atomic.Int64)
	before := heapInUse()
	g := NewGroup("suite-1")
	g.Use(Options{Storage: void{}, Log: silent}, func(app string) Source { return &landlord{app, calls} })
	apps := make([]*App, corps)
	for i := range apps {
		apps[i] = g.App(fmt.Sprintf("ding%032x", i))
		apps[i].settle(t)
		apps[i].forgetAccess()
	}
	each := (heapInUse() - before) / corps
	t.Logf("%d bytes each, the name included", each)
	if each > corpsHeap/2/corps+64 {
		t.Errorf("%d bytes each", each)
	}
	runtime.KeepAlive(apps)
}
