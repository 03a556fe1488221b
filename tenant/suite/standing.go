package suite

import (
	"cmp"
	"slices"
	"time"
)

// Agent is one micro app of the suite in one corp.
type Agent struct {
	ID      string `json:"agent_id"`
	AppID   string `json:"app_id,omitempty"`
	Started int64  `json:"started,omitempty"` // when it was last authorised or restored
	Stopped int64  `json:"stopped,omitempty"` // when it was last stopped or removed
}

// Standing is what is known of one corp. All of it are times of DingTalk's, in ms, of the
// latest event of a kind, 0 for none, so that two of them can be joined whatever was heard
// first: no order of events, no replay and no lock that does not hold changes the result.
// Where an authorisation and a revocation happened at the same time, the revocation holds.
type Standing struct {
	Authorized int64   `json:"authorized,omitempty"`
	Revoked    int64   `json:"revoked,omitempty"`
	Listed     int64   `json:"listed,omitempty"` // the authorisation that the agents are those of
	Agents     []Agent `json:"agents,omitempty"` // by their IDs
	// DingTalk itself has refused that authorisation (0: there was none) at that time by
	// our clock.
	RefusedOf int64 `json:"refused_of,omitempty"`
	RefusedAt int64 `json:"refused_at,omitempty"`
}

// refusedTime is how long a refusal is remembered. Then DingTalk is asked again.
const refusedTime = 10 * time.Minute

// standing is what an event tells of its corp.
func (e event) standing() Standing {
	switch {
	case e.effect == authorize:
		return authorized(e.at, e.agents)
	case e.effect == revoke, e.effect == stopAgent && e.agent == "":
		return Standing{Revoked: e.at}
	case e.effect == startAgent && e.agent == "":
		return Standing{Authorized: e.at}
	case e.effect == stopAgent:
		return Standing{Agents: []Agent{{ID: e.agent, Stopped: e.at}}}
	case e.effect == startAgent:
		return Standing{Agents: []Agent{{ID: e.agent, Started: e.at}}}
	}
	return Standing{}
}

// authorized is a corp that has authorised the suite, with its agents if they are known.
func authorized(at int64, agents []Agent) Standing {
	s := Standing{Authorized: at}
	if agents == nil {
		return s
	}
	s.Listed = at
	for _, a := range agents {
		s.Agents = append(s.Agents, Agent{ID: a.ID, AppID: a.AppID, Started: at})
	}
	return s
}

// maxAgents is far above the micro apps of a suite.
const maxAgents = 64

// join returns what both know. It is commutative, associative and idempotent.
func (s Standing) join(other Standing) Standing {
	out := Standing{
		Authorized: max(s.Authorized, other.Authorized), Revoked: max(s.Revoked, other.Revoked), Listed: max(s.Listed, other.Listed),
		RefusedOf: s.RefusedOf, RefusedAt: s.RefusedAt,
	}
	if cmp.Or(cmp.Compare(other.RefusedOf, s.RefusedOf), cmp.Compare(other.RefusedAt, s.RefusedAt)) > 0 {
		out.RefusedOf, out.RefusedAt = other.RefusedOf, other.RefusedAt
	}
	if len(other.Agents) > 0 || out.Listed > s.Listed {
		out.Agents = joinAgents(s.Agents, other.Agents, out.Listed)
	} else {
		out.Agents = s.Agents
	}
	return out
}

// joinAgents returns what both know of the agents that were last listed at some time.
func joinAgents(some, others []Agent, listed int64) []Agent {
	all := make([]Agent, 0, len(some)+len(others))
	byID := make(map[string]Agent, len(some)+len(others))
	for _, a := range slices.Concat(some, others) {
		known := byID[a.ID]
		byID[a.ID] = Agent{a.ID, max(a.AppID, known.AppID), max(a.Started, known.Started), max(a.Stopped, known.Stopped)}
	}
	for _, a := range byID {
		if a.Started < listed { // it is no longer there, or has been stopped before the list
			a.Started = 0
		}
		if a.Stopped < listed {
			a.Stopped = 0
		}
		all = append(all, a)
	}
	if len(all) > maxAgents { // the latest stay
		slices.SortFunc(all, func(a, b Agent) int {
			return cmp.Or(cmp.Compare(max(b.Started, b.Stopped), max(a.Started, a.Stopped)), cmp.Compare(a.ID, b.ID))
		})
		all = slices.Clone(all[:maxAgents])
	}
	slices.SortFunc(all, func(a, b Agent) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.Clone(all) // no longer than it has to be: there are many
	return all
}

func (s Standing) equal(other Standing) bool {
	return s.Authorized == other.Authorized && s.Revoked == other.Revoked && s.Listed == other.Listed &&
		s.RefusedOf == other.RefusedOf && s.RefusedAt == other.RefusedAt && slices.Equal(s.Agents, other.Agents)
}

// state is how a corp stands.
type state int

const (
	unknown  state = iota // nobody has said, or long ago: DingTalk is to be asked
	served                // it has authorised the suite
	revoked               // it had
	refused               // DingTalk says that it has not
	unlisted              // it has, but with which agents is not known
)

// state returns how the corp stands at a time.
func (s Standing) state(now time.Time) state {
	switch age := now.UnixMilli() - s.RefusedAt; {
	case s.gone():
		return revoked
	case s.denied() && age < refusedTime.Milliseconds() && age > -refusedTime.Milliseconds():
		return refused
	case s.Authorized == 0, s.denied():
		return unknown
	case s.Listed <= s.Revoked:
		return unlisted
	}
	return served
}

// side is what an administrator wants to know of how a corp stands. Unlike its state it does
// not change by itself.
type side int

const (
	outside  side = iota // the corp has not authorised the suite, as far as is known
	within               // it has
	formerly             // it had, and has revoked it, or DingTalk has said last that it does no longer
)

// side returns on which side the corp stands.
func (s Standing) side() side {
	switch {
	case s.gone(), s.denied() && s.Authorized > 0:
		return formerly
	case s.denied(), s.Authorized == 0:
		return outside
	}
	return within
}

// gone tells whether the corp has revoked what it authorised last, as DingTalk pushed.
func (s Standing) gone() bool { return s.Revoked > 0 && s.Revoked >= s.Authorized }

// denied tells whether DingTalk, when it was asked, has refused what the corp authorised last.
func (s Standing) denied() bool { return s.RefusedAt > 0 && s.RefusedOf >= s.Authorized }

// refuse is what a corp stands like when DingTalk itself says that it has not, or no
// longer, authorised the suite.
func (s Standing) refuse(now time.Time) Standing {
	return Standing{RefusedOf: s.Authorized, RefusedAt: now.UnixMilli()}
}

// confirm is what a corp stands like when DingTalk itself says with which agents it has
// authorised the suite. Events tell the time by DingTalk's clock, an answer does not: it
// counts as old as clocks may differ, so that any event that is still to come wins.
func (s Standing) confirm(agents []Agent, now time.Time) Standing {
	if st := s.state(now); st == served || st == unlisted {
		return authorized(s.Authorized, agents)
	}
	return authorized(max(now.Add(-refusedTime).UnixMilli(), s.Authorized+1), agents)
}

// active returns the agents of a micro app ("" is any) that work.
func (s Standing) active(app string) (all []Agent) {
	for _, a := range s.Agents {
		if a.works(s) && (app == "" || a.AppID == app) {
			all = append(all, a)
		}
	}
	return all
}

func (a Agent) works(s Standing) bool {
	return a.Started > a.Stopped && a.Started > s.Revoked && a.Started >= s.Listed
}

// choose returns the agent of a micro app ("" is any) with that agentId, or the only one
// where that is "". It does not allocate.
func (s Standing) choose(app, id string) (chosen Agent, why Kind, ok bool) {
	why = Unknown
	n := 0
	for _, a := range s.Agents {
		switch {
		case app != "" && a.AppID != app || id != "" && a.ID != id:
		case !a.works(s):
			if n == 0 {
				why = Revoked
			}
		default:
			chosen, why = a, Ambiguous
			n++
		}
	}
	return chosen, why, n == 1
}
