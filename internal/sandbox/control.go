package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// state is what GET /sandbox/state shows.
type state struct {
	Calls   map[string]int  `json:"calls"`
	Tickets map[Kind]string `json:"tickets"`
	Refetch Refetch         `json:"refetch"`
	Faults  map[Call]string `json:"faults"`
	User    string          `json:"user"`
	Approve string          `json:"approve"`
	Suites  []suiteState    `json:"suites"`
}

// suiteState is a suite in it.
type suiteState struct {
	Key         string      `json:"suite_key"`
	SuiteTicket string      `json:"suite_ticket"`
	Corps       []corpState `json:"corps"`
}

// corpState is an organisation that has the suite, or had it.
type corpState struct {
	Authorization
	Ticket string         `json:"ticket"` // the living one, "" for none
	Calls  map[string]int `json:"calls"`
}

func (d *DingTalk) suiteStates() []suiteState {
	all := []suiteState{}
	for _, s := range d.Suites() {
		corps := []corpState{}
		for _, a := range d.Authorizations(s.Key) {
			corps = append(corps, corpState{a, d.TicketFor(s.Key, a.CorpID), d.CallsFor(a.CorpID)})
		}
		all = append(all, suiteState{s.Key, s.Ticket, corps})
	}
	return all
}

// ControlHandler lets browser tests and the demo watch and disturb the organisation while it runs. It
// allows CORS: it holds nothing real.
//
//	GET  /sandbox/state   {"calls": {...}, "tickets": {...}, "refetch": "...", "faults": {...}, "suites": [...]}
//	POST /sandbox/fault   {"call": "token", "ticket", "robot" or one of suites or about users, "fault": "slow:1500ms"}; an
//	                      empty fault switches it off
//	POST /sandbox/user    {"user": "u2"} holds the client app from now on
//	POST /sandbox/approve {"user": "u2"} approves on the OAuth2 page unasked; "refuse" refuses, "" asks
//	POST /sandbox/code    {"kind": "app", "channel" or "oauth", "user": "u1", "corpid": the first} -> {"code": "..."}
//	POST /sandbox/expire  kills the living tickets
//	POST /sandbox/reset   counts to zero, faults off
//	GET  /sandbox/robot   every call of robot/send: [{"time", "query", "body", "errcode", "shown"}]
//	POST /sandbox/robot   {"secret", "keyword", "silent"}: the robot's rules
//	POST /sandbox/corp    {"suite": the first, "corpid", "agents": [{"agentid", "appid"} or "agentid"], "state": "authorized",
//	                      "stopped", "revoked" or "dissolved"}: the organisation's authorisation, from now on
//	POST /sandbox/push    a Push -> its PushReply
//	POST /sandbox/suite_ticket {"suite", "value", "url"}: a new suite ticket, and the old one is dead; with a url it is pushed
//	                      there -> {"suite_ticket", "push": its PushReply}
//
// Each POST answers with the new state, unless it says otherwise.
func (d *DingTalk) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/state", d.serveState)
	mux.HandleFunc("POST /sandbox/fault", d.serveFault)
	mux.HandleFunc("POST /sandbox/user", d.serveChoice(d.Hold))
	mux.HandleFunc("POST /sandbox/approve", d.serveChoice(d.Approve))
	mux.HandleFunc("POST /sandbox/code", d.serveCode)
	mux.HandleFunc("POST /sandbox/expire", func(w http.ResponseWriter, r *http.Request) {
		d.ExpireTicket()
		d.serveState(w, r)
	})
	mux.HandleFunc("POST /sandbox/reset", func(w http.ResponseWriter, r *http.Request) {
		d.Reset()
		d.serveState(w, r)
	})
	mux.HandleFunc("GET /sandbox/robot", d.serveRobot)
	mux.HandleFunc("POST /sandbox/robot", d.serveRobotRules)
	mux.HandleFunc("POST /sandbox/corp", d.serveAuthorize)
	mux.HandleFunc("POST /sandbox/push", d.servePush)
	mux.HandleFunc("POST /sandbox/suite_ticket", d.serveSuiteTicket)
	return allowCORS(mux)
}

func (d *DingTalk) serveState(w http.ResponseWriter, _ *http.Request) {
	faults := make(map[Call]string)
	for _, call := range kindsOfCalls {
		faults[call] = d.Fault(call).String()
	}
	d.mu.Lock()
	user, approve := d.user, d.approve
	d.mu.Unlock()
	serveJSON(w, state{d.Calls(), d.Tickets(), d.options.Refetch, faults, user, approve, d.suiteStates()})
}

// serveChoice sets who somebody is; nobody whom DingTalk does not know.
func (d *DingTalk) serveChoice(set func(string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var order struct {
			User string `json:"user"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBody)).Decode(&order); err != nil {
			http.Error(w, "reading the user: "+err.Error(), http.StatusBadRequest)
			return
		}
		if _, known := d.who(order.User); !known && order.User != "" && order.User != "refuse" {
			http.Error(w, fmt.Sprintf("nobody is called %q", order.User), http.StatusBadRequest)
			return
		}
		set(order.User)
		d.serveState(w, r)
	}
}

func (d *DingTalk) serveCode(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Kind   string `json:"kind"`
		User   string `json:"user"`
		CorpID string `json:"corpid"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBody)).Decode(&order); err != nil {
		http.Error(w, "reading the order: "+err.Error(), http.StatusBadRequest)
		return
	}
	code := d.CodeFor(cmp.Or(order.CorpID, d.options.CorpID), order.Kind, order.User)
	if code == "" {
		http.Error(w, fmt.Sprintf("nobody is called %q", order.User), http.StatusBadRequest)
		return
	}
	serveJSON(w, map[string]string{"code": code})
}

func (d *DingTalk) serveFault(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Call  Call   `json:"call"`
		Fault string `json:"fault"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBody)).Decode(&order); err != nil {
		http.Error(w, "reading the fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !slices.Contains(kindsOfCalls, order.Call) {
		http.Error(w, fmt.Sprintf("unknown call %q: use one of %v", order.Call, kindsOfCalls), http.StatusBadRequest)
		return
	}
	fault, err := ParseFault(order.Fault)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.SetFault(order.Call, fault)
	d.serveState(w, r)
}
