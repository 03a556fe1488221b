package suite

import (
	"sync"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

func TestAHundredFirstPagesOnThreeNodesCostOneTokenCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		nodes := []*node{newNode(t, p, shared), newNode(t, p, shared), newNode(t, p, shared)}
		nodes[0].mustPush(ticketEvent("ticket-1"))
		p.set(func() { p.corps["corp1"], p.corps["corp2"] = []string{"1001"}, []string{"2001"} })
		nodes[1].mustPush(authEvent("corp1", time.Now(), "1001"))
		nodes[1].mustPush(authEvent("corp2", time.Now(), "2001"))
		time.Sleep(30 * time.Second)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				nodes[i%3].wantPage("1001 ticket-corp1-1", "corp1")
				nodes[i%3].wantPage("2001 ticket-corp2-1", "corp2")
			})
		}
		all.Wait()
		for _, corp := range []string{"corp1", "corp2"} {
			if a, b := p.count("corpAccessToken "+corp), p.count("jsapiTickets "+corp); a != 1 || b != 1 {
				t.Errorf("%s: %d token and %d ticket calls", corp, a, b)
			}
		}
		if n := p.count("get_auth_info"); n != 0 {
			t.Errorf("%d look-ups of corps that are known", n)
		}
	})
}

func TestBeforeAnySuiteTicketPagesWaitForNoneAndSoonAfterTheyAreSigned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"] = []string{"1001"}
		a, b := newNode(t, p, shared), newNode(t, p, shared)
		a.wantPage("unavailable", "corp1")
		a.mustPush(authEvent("corp1", time.Now(), "1001"))
		a.wantPage("no ticket", "corp1")
		time.Sleep(20 * time.Second)
		a.wantPage("no ticket", "corp1")
		b.wantPage("no ticket", "corp1")
		if n := p.count("corpAccessToken"); n != 0 {
			t.Errorf("%d calls without a suite_ticket", n)
		}
		found, err := a.Find(t.Context(), "corp1", "", time.Second)
		if err == nil {
			_, err = found.Tokens.Ticket(t.Context(), time.Second)
		}
		if oapi.KindOf(err) != oapi.SuiteTicket {
			t.Errorf("the error is %v", err)
		}
		a.mustPush(ticketEvent("ticket-1"))
		a.page("corp1")
		time.Sleep(time.Second)
		a.wantPage("1001 ticket-corp1-1", "corp1")
		time.Sleep(15 * time.Second)
		b.page("corp1")
		time.Sleep(time.Second)
		b.wantPage("1001 ticket-corp1-1", "corp1")
	})
}

func TestARefusedSuiteTicketIsReadAgainOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"], p.corps["corp2"] = []string{"1001"}, []string{"2001"}
		a, b := newNode(t, p, shared), newNode(t, p, shared)
		a.mustPush(ticketEvent("ticket-1"))
		for _, corp := range []string{"corp1", "corp2"} {
			a.mustPush(authEvent(corp, time.Now(), map[string]string{"corp1": "1001", "corp2": "2001"}[corp]))
		}
		time.Sleep(30 * time.Second)
		time.Sleep(time.Millisecond)
		p.set(func() { p.ticket = "ticket-2" })
		b.mustPush(ticketEvent("ticket-2"))
		a.wantPage("1001 ticket-corp1-1", "corp1") // has not heard of it
		if n := p.count("corpAccessToken corp1"); n != 2 {
			t.Errorf("%d calls, want the refused one and one more", n)
		}
		p.set(func() { p.ticket = "ticket-3" })
		time.Sleep(30 * time.Second)
		for range 20 {
			b.wantPage("no ticket", "corp2")
			time.Sleep(10 * time.Second)
		}
		if n := p.count("corpAccessToken corp2"); n != 1 {
			t.Errorf("%d calls with a suite_ticket that was refused", n)
		}
		a.mustPush(ticketEvent("ticket-3"))
		time.Sleep(15 * time.Second)
		b.page("corp2")
		time.Sleep(3 * time.Second)
		b.wantPage("2001 ticket-corp2-1", "corp2")
	})
}

func TestARevocationHoldsEverywhereWithin30Seconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"], p.corps["corp2"] = []string{"1001"}, []string{"2001"}
		nodes := []*node{newNode(t, p, shared), newNode(t, p, shared), newNode(t, p, shared)}
		nodes[0].mustPush(ticketEvent("ticket-1"))
		authorized := authEvent("corp1", time.Now(), "1001")
		nodes[0].mustPush(authorized)
		nodes[0].mustPush(authEvent("corp2", time.Now(), "2001"))
		time.Sleep(12 * time.Second)
		for _, n := range nodes {
			n.wantPage("1001 ticket-corp1-1", "corp1")
			n.wantPage("2001 ticket-corp2-1", "corp2")
		}
		nodes[0].mustPush(relieveEvent("corp1", time.Now()))
		nodes[0].wantPage("revoked", "corp1")
		time.Sleep(30 * time.Second)
		for _, n := range nodes {
			n.wantPage("revoked", "corp1")
			n.wantPage("2001 ticket-corp2-1", "corp2")
		}
		if shared.has("/corp1/") || !shared.has("/corp2/") {
			t.Error("the tokens of the corp are still there, or another's are gone")
		}
		nodes[1].mustPush(authorized)
		nodes[1].wantPage("revoked", "corp1")
		nodes[2].mustPush(authEvent("corp1", time.Now(), "1001"))
		nodes[2].wantPage("1001 ticket-corp1-2", "corp1")
		time.Sleep(30 * time.Second)
		for _, n := range nodes {
			n.wantPage("1001 ticket-corp1-2", "corp1")
		}
	})
}

// Processes look a few times whether the fleet has one ticket, and put theirs there if it
// has none: one that has not heard of a revocation puts the dead one back.
func TestATicketFromBeforeARevocationIsNeverSignedWithAgain(t *testing.T) {
	for name, pause := range map[string]time.Duration{
		"authorised again when all have heard": time.Minute,
		"authorised again at once":             10 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p, shared := newPlatform(), newShelf()
				p.corps["corp1"] = []string{"1001"}
				nodes := []*node{newNode(t, p, shared), newNode(t, p, shared), newNode(t, p, shared)}
				nodes[0].mustPush(ticketEvent("ticket-1"))
				nodes[0].mustPush(authEvent("corp1", time.Now(), "1001"))
				time.Sleep(12 * time.Second)
				for _, n := range nodes {
					n.wantPage("1001 ticket-corp1-1", "corp1")
				}
				nodes[1].mustPush(relieveEvent("corp1", time.Now())) // node 0 has fetched it
				time.Sleep(pause)
				nodes[1].mustPush(authEvent("corp1", time.Now(), "1001"))
				time.Sleep(30 * time.Second)
				for _, n := range nodes {
					n.wantPage("1001 ticket-corp1-2", "corp1")
				}
			})
		})
	}
}

func TestAMicroAppThatIsStoppedIsNotSigned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform()
		p.corps["corp1"] = []string{"1001"}
		n := newNode(t, p, newShelf())
		n.mustPush(ticketEvent("ticket-1"))
		n.mustPush(authEvent("corp1", time.Now(), "1001"))
		n.wantPage("1001 ticket-corp1-1", "corp1")
		n.mustPush(syncEvent(7, "corp1", time.Now().Add(1), `{"syncAction":"org_micro_app_stop","agentId":1001}`))
		n.wantPage("revoked", "corp1")
		time.Sleep(time.Second)
		n.mustPush(`{"EventType":"org_micro_app_restore","AgentId":"1001","AuthCorpId":"corp1","TimeStamp":` + ms(time.Now()) + `}`)
		n.wantPage("1001 ticket-corp1-2", "corp1")
	})
}

func TestTwoAgentsAreTellableByAgentIDAndByAppID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"] = []string{"1001", "1002"}
		n := newNode(t, p, shared)
		second := newNode(t, p, shared, func(o *Options) { o.AppID = "6" })
		n.mustPush(ticketEvent("ticket-1"))
		n.mustPush(`{"EventType":"tmp_auth_code","AuthCode":"c0de","AuthCorpId":"corp1","TimeStamp":"` + ms(time.Now()) + `"}`)
		n.wantPage("ambiguous", "corp1")
		n.wantPage("1001 ticket-corp1-1", "corp1", "1001")
		n.wantPage("1002 ticket-corp1-1", "corp1", "1002")
		n.wantPage("unknown", "corp1", "1003")
		second.wantPage("1002 ticket-corp1-1", "corp1")
		second.wantPage("unknown", "corp1", "1001")
		if n := p.count("get_auth_info"); n != 1 {
			t.Errorf("%d calls for the agents", n)
		}
	})
}

func TestWhatDingTalkRefusesIsRevoked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		a, b := newNode(t, p, shared), newNode(t, p, shared)
		a.mustPush(ticketEvent("ticket-1"))
		a.mustPush(authEvent("corp1", time.Now(), "1001")) // but DingTalk does not know it
		time.Sleep(15 * time.Second)
		a.wantPage("no ticket", "corp1")
		a.wantPage("revoked", "corp1")
		time.Sleep(30 * time.Second)
		b.wantPage("revoked", "corp1")
		if n := p.count("corpAccessToken"); n != 1 {
			t.Errorf("%d calls", n)
		}
		if s := a.fleet.Status(); s.Corps.Revoked != 1 || s.Corps.Authorized != 0 {
			t.Errorf("the status is %+v", s.Corps)
		}
		p.set(func() { p.corps["corp1"] = []string{"1001"} })
		a.mustPush(authEvent("corp1", time.Now(), "1001"))
		a.wantPage("1001 ticket-corp1-1", "corp1")
	})
}

func TestWhileTheStorageFailsWhatIsHeldServesAndNothingFailsOpen(t *testing.T) {
	for name, breaks := range map[string]func(*shelf){
		"it fails": func(s *shelf) { s.fails = errBroken }, "it hangs": func(s *shelf) { s.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				p, shared := newPlatform(), newShelf()
				p.corps["corp1"], p.corps["corp2"] = []string{"1001"}, []string{"2001"}
				n := newNode(t, p, shared)
				n.mustPush(ticketEvent("ticket-1"))
				n.mustPush(authEvent("corp1", time.Now(), "1001"))
				n.mustPush(authEvent("corp2", time.Now(), "2001"))
				n.wantPage("1001 ticket-corp1-1", "corp1")
				time.Sleep(30 * time.Second)
				shared.set(func() { breaks(shared) })
				n.wantPage("1001 ticket-corp1-1", "corp1")

				relieve := relieveEvent("corp1", time.Now())
				start := time.Now()
				if err := n.push(relieve); err != ErrStorage {
					t.Errorf("DingTalk is told %v", err)
				}
				second := ticketEvent("ticket-2")
				p.set(func() { p.ticket = "ticket-2" })
				if err := n.push(second); err != ErrStorage {
					t.Errorf("DingTalk is told %v", err)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("two answers took %v", took)
				}
				n.wantPage("revoked", "corp1")
				if got := n.fleet.ticket.get().Value; got != "ticket-2" {
					t.Errorf("the suite_ticket is %s", got)
				}
				n.wantPage("unknown", "stranger") // DingTalk says so
				if n.page("corp2") == "revoked" {
					t.Error("another corp is revoked, too")
				}
				time.Sleep(2 * time.Minute)
				n.wantPage("revoked", "corp1")

				shared.set(func() { shared.fails, shared.hangs = nil, false })
				time.Sleep(30 * time.Second)
				for _, again := range []string{relieve, second} {
					if err := n.push(again); err != nil {
						t.Errorf("repeated: %v", err)
					}
				}
				other := newNode(t, p, shared)
				other.wantPage("revoked", "corp1")
				time.Sleep(time.Second)
				if got := other.fleet.ticket.get().Value; got != "ticket-2" {
					t.Errorf("another node has the suite_ticket %q", got)
				}
			})
		})
	}
}

func TestAReplyDoesNotWaitForDingTalk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPlatform()
		p.delay = time.Hour
		n := newNode(t, p, newShelf())
		n.mustPush(ticketEvent("ticket-1"))
		start := time.Now()
		n.mustPush(`{"EventType":"tmp_auth_code","AuthCorpId":"corp1","TimeStamp":"` + ms(start) + `"}`)
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestANodeThatStartsKnowsWhatTheFleetKnows(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		p.corps["corp1"] = []string{"1001"}
		first := newNode(t, p, shared)
		first.mustPush(ticketEvent("ticket-1"))
		first.mustPush(authEvent("corp1", time.Now(), "1001"))
		first.wantPage("1001 ticket-corp1-1", "corp1")
		time.Sleep(time.Second)
		second := newNode(t, p, shared)
		second.wantPage("1001 ticket-corp1-1", "corp1")
		if a, b := p.count("get_auth_info"), p.count("corpAccessToken"); a != 0 || b != 1 {
			t.Errorf("%d look-ups, %d tokens", a, b)
		}
	})
}

func TestEventsOfTheSameMomentOnTwoNodesAreBothKept(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		a, b := newNode(t, p, shared), newNode(t, p, shared)
		a.mustPush(ticketEvent("ticket-1"))
		now := time.Now()
		a.mustPush(authEvent("corp1", now, "1001", "1002"))
		time.Sleep(30 * time.Second)
		record := a.fleet.corpRecord("corp1")
		before := ""
		shared.set(func() { before = string(shared.data[record]) })
		a.mustPush(syncEvent(7, "corp1", now.Add(time.Second), `{"syncAction":"org_micro_app_stop","agentId":1001}`))
		shared.set(func() { shared.data[record] = []byte(before) }) // somebody writes over it
		shared.set(func() { delete(shared.data, a.fleet.record("changes")) })
		b.mustPush(syncEvent(7, "corp1", now.Add(2*time.Second), `{"syncAction":"org_micro_app_stop","agentId":1002}`))
		time.Sleep(25 * time.Second)
		for _, n := range []*node{a, b} {
			n.wantPage("revoked", "corp1", "1001")
			n.wantPage("revoked", "corp1", "1002")
		}
	})
}
