package suite

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// someStanding is what one event of a few corps' lives may tell.
func someStanding(r *rand.Rand) Standing {
	at := r.Int64N(6) + 1
	agents := []Agent{{ID: "1", AppID: "5"}, {ID: "2", AppID: "6"}, {ID: "3", AppID: "7"}}
	agent := agents[r.IntN(3)].ID
	switch r.IntN(6) {
	case 0:
		return event{effect: authorize, at: at}.standing()
	case 1:
		return event{effect: authorize, at: at, agents: agents[:r.IntN(4)]}.standing()
	case 2:
		return event{effect: revoke, at: at}.standing()
	case 3:
		return event{effect: stopAgent, at: at, agent: agent}.standing()
	case 4:
		return event{effect: startAgent, at: at, agent: agent}.standing()
	}
	return Standing{Authorized: at - 1}.refuse(time.UnixMilli(at * 1000))
}

// TestWhatIsKnownOfACorpDoesNotDependOnTheOrder: events come late and twice, and the
// processes of a fleet write at the same time.
func TestWhatIsKnownOfACorpDoesNotDependOnTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a, b, c := someStanding(r), someStanding(r), someStanding(r)
		for range r.IntN(3) {
			a = a.join(someStanding(r))
		}
		all := a.join(b).join(c)
		for name, other := range map[string]Standing{
			"another order": c.join(a).join(b), "other pairs": a.join(b.join(c)), "twice": all.join(b).join(all),
		} {
			if !other.equal(all) {
				t.Fatalf("%s: %+v %+v %+v:\n%+v, not\n%+v", name, a, b, c, other, all)
			}
		}
	}
}

func TestHowACorpStandsAfterItsEvents(t *testing.T) {
	auth := func(at int64, agents ...string) event {
		e := event{effect: authorize, at: at}
		for _, id := range agents {
			e.agents = append(e.agents, Agent{ID: id, AppID: "app" + id})
		}
		return e
	}
	relieve := func(at int64) event { return event{effect: revoke, at: at} }
	stop := func(at int64, agent string) event { return event{effect: stopAgent, at: at, agent: agent} }
	start := func(at int64, agent string) event { return event{effect: startAgent, at: at, agent: agent} }
	for name, tt := range map[string]struct {
		events []event
		want   string
	}{
		"nobody has heard of it":                    {nil, "0 Unknown"},
		"authorised":                                {[]event{auth(1, "1")}, "1 agent 1"},
		"authorised with two agents":                {[]event{auth(1, "1", "2")}, "1 Ambiguous"},
		"authorised, the agents not told":           {[]event{auth(1)}, "4 Unknown"},
		"changed, the agents not told":              {[]event{auth(1, "1"), auth(2)}, "1 agent 1"},
		"revoked":                                   {[]event{auth(1, "1"), relieve(2)}, "2 Revoked"},
		"revoked at the same time":                  {[]event{auth(1, "1"), relieve(1)}, "2 Revoked"},
		"a revocation that is older":                {[]event{auth(2, "1"), relieve(1)}, "1 agent 1"},
		"an authorisation that is older":            {[]event{relieve(2), auth(1, "1")}, "2 Revoked"},
		"authorised again":                          {[]event{auth(1, "1"), relieve(2), auth(3, "1")}, "1 agent 1"},
		"authorised again, the agents not told":     {[]event{auth(1, "1"), relieve(2), auth(3)}, "4 Revoked"},
		"stopped":                                   {[]event{auth(1, "1"), stop(2, "1")}, "1 Revoked"},
		"stopped at the same time":                  {[]event{auth(1, "1"), stop(1, "1")}, "1 Revoked"},
		"one of two stopped":                        {[]event{auth(1, "1", "2"), stop(2, "1")}, "1 agent 2"},
		"restored":                                  {[]event{auth(1, "1"), stop(2, "1"), start(3, "1")}, "1 agent 1"},
		"a restoration that is older":               {[]event{auth(1, "1"), stop(3, "1"), start(2, "1")}, "1 Revoked"},
		"stopped before it was heard of":            {[]event{stop(2, "1"), auth(1, "1")}, "1 Revoked"},
		"stopped without an agentId":                {[]event{auth(1, "1"), stop(2, "")}, "2 Revoked"},
		"restored without an agentId":               {[]event{auth(1, "1"), stop(2, ""), start(3, "")}, "4 Revoked"},
		"an agent that is no longer listed":         {[]event{auth(1, "1", "2"), auth(2, "2")}, "1 agent 2"},
		"restored while the corp itself is revoked": {[]event{auth(1, "1"), relieve(2), start(3, "1")}, "2 agent 1"},
	} {
		var s Standing
		for _, e := range tt.events {
			s = s.join(e.standing())
		}
		agent, why, ok := s.choose("", "")
		got := fmt.Sprintf("%d agent %s", s.state(time.UnixMilli(0)), agent.ID)
		if !ok {
			got = fmt.Sprintf("%d %s", s.state(time.UnixMilli(0)), [...]string{"Unknown", "Revoked", "Ambiguous"}[why])
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s of %+v", name, got, tt.want, s)
		}
	}
}

func TestWhatDingTalkItselfSaysCountsUntilTheNextEvent(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	auth := event{effect: authorize, at: now.UnixMilli() - 1000, agents: []Agent{{ID: "1"}}}.standing()
	at := func(s Standing, after time.Duration) state { return s.state(now.Add(after)) }

	never := Standing{}.refuse(now)
	if at(never, 0) != refused || at(never, 9*time.Minute) != refused || at(never, 10*time.Minute) != unknown {
		t.Error("a refusal is not remembered for ten minutes")
	}
	if at(never.join(auth), time.Second) != served {
		t.Error("an authorisation does not end a refusal")
	}
	confirmed := never.join(never.confirm([]Agent{{ID: "1"}}, now.Add(11*time.Minute)))
	if at(confirmed, 11*time.Minute) != served {
		t.Errorf("%+v is not served", confirmed)
	}

	left := auth.join(auth.refuse(now))
	if at(left, 0) != refused {
		t.Error("a corp that DingTalk refuses is served")
	}
	if again := (event{effect: authorize, at: now.UnixMilli(), agents: []Agent{{ID: "1"}}}).standing(); at(left.join(again), 0) != served {
		t.Error("a newer authorisation is not heard")
	}
	if at(left.join(auth), 0) != refused {
		t.Error("the same authorisation ends the refusal of it")
	}
	revocation := event{effect: revoke, at: now.UnixMilli() - 5}.standing()
	fresh := Standing{}.confirm([]Agent{{ID: "1"}}, now)
	if at(fresh.join(revocation), 0) != revoked {
		t.Error("an answer of DingTalk's outlives the revocation after it, because of a clock")
	}
	list := Standing{Authorized: 7}
	if got := list.join(list.confirm([]Agent{{ID: "1"}}, now)); at(got, 0) != served || got.Authorized != 7 {
		t.Errorf("the agents of an authorisation are listed as %+v", got)
	}
}

func TestTheAgentOfAMicroAppIsChosenWithoutAllocation(t *testing.T) {
	s := authorized(1, []Agent{{ID: "1", AppID: "5"}, {ID: "2", AppID: "6"}})
	for _, tt := range []struct{ app, id, want string }{
		{"5", "", "1"}, {"6", "", "2"}, {"6", "2", "2"}, {"", "1", "1"}, {"5", "2", ""}, {"7", "", ""}, {"", "3", ""}, {"", "", ""},
	} {
		if agent, _, ok := s.choose(tt.app, tt.id); ok != (tt.want != "") || ok && agent.ID != tt.want {
			t.Errorf("app %q, agent %q: %v %v", tt.app, tt.id, agent, ok)
		}
	}
	if n := testing.AllocsPerRun(100, func() { s.choose("6", "2") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
