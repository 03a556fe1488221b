package suite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAnUnknownCorpCostsOneLookUpInTheFleet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"] = []string{"1001"}
		a, b := newNode(t, p, shared), newNode(t, p, shared)
		a.mustPush(ticketEvent("ticket-1"))
		time.Sleep(15 * time.Second)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() { []*node{a, b}[i%2].wantPage("1001 ticket-corp1-1", "corp1") })
			all.Go(func() { []*node{a, b}[i%2].wantPage("unknown", "stranger") })
		}
		all.Wait()
		for _, corp := range []string{"corp1", "stranger"} {
			if n := p.count("get_auth_info " + corp); n != 1 {
				t.Errorf("%d look-ups of %s", n, corp)
			}
		}
		time.Sleep(9 * time.Minute)
		a.wantPage("unknown", "stranger")
		if n := p.count("get_auth_info stranger"); n != 1 {
			t.Errorf("%d look-ups within ten minutes", n)
		}
		time.Sleep(2 * time.Minute)
		if shared.has("stranger") {
			t.Error("the storage keeps strangers for good")
		}
		p.set(func() { p.corps["stranger"] = []string{"7"} })
		b.wantPage("7 ticket-stranger-1", "stranger")
	})
}

func TestRandomCorpsAreNotLookedUpWithoutBounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"] = []string{"1001"}
		n := newNode(t, p, shared)
		n.mustPush(ticketEvent("ticket-1"))
		n.wantPage("1001 ticket-corp1-1", "corp1")
		before := p.count("get_auth_info")
		r := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			var all sync.WaitGroup
			for range 200 {
				id := fmt.Sprintf("ding%x", r.Uint64())
				all.Go(func() { n.page(id) })
			}
			n.wantPage("1001 ticket-corp1-1", "corp1")
			time.Sleep(time.Second)
			all.Wait()
		}
		if made := p.count("get_auth_info") - before; made > lookupsPerMinute {
			t.Errorf("%d look-ups in a minute", made)
		}
		if held := len(n.fleet.corps.byID); held > lookupsPerMinute+1 {
			t.Errorf("%d corps are held", held)
		}
		for _, id := range []string{"../x", "abc", strings.Repeat("a", 65), "corp\x00", "corp/1", "", "企业企业"} {
			before := p.count("get_auth_info")
			n.wantPage("unknown", id)
			if p.count("get_auth_info") != before || shared.has("/"+id+".json") {
				t.Errorf("%q is looked up or stored", id)
			}
		}
	})
}
