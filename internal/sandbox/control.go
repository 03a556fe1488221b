package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// state is what GET /sandbox/state shows.
type state struct {
	Calls   map[string]int  `json:"calls"`
	Tickets map[Kind]string `json:"tickets"`
	Refetch Refetch         `json:"refetch"`
	Faults  map[Call]string `json:"faults"`
}

// ControlHandler lets browser tests and the demo watch and disturb the organisation while it runs. It
// allows CORS: it holds nothing real.
//
//	GET  /sandbox/state   {"calls": {...}, "tickets": {...}, "refetch": "...", "faults": {...}}
//	POST /sandbox/fault   {"call": "token", "ticket" or "robot", "fault": "slow:1500ms"}; an empty fault switches it off
//	POST /sandbox/expire  kills the living tickets
//	POST /sandbox/reset   counts to zero, faults off
//	GET  /sandbox/robot   every call of robot/send: [{"time", "query", "body", "errcode", "shown"}]
//	POST /sandbox/robot   {"secret", "keyword", "silent"}: the robot's rules
//
// Each POST answers with the new state.
func (d *DingTalk) ControlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/state", d.serveState)
	mux.HandleFunc("POST /sandbox/fault", d.serveFault)
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
	return allowCORS(mux)
}

func (d *DingTalk) serveState(w http.ResponseWriter, _ *http.Request) {
	serveJSON(w, state{
		Calls:   d.Calls(),
		Tickets: d.Tickets(),
		Refetch: d.options.Refetch,
		Faults:  map[Call]string{TokenCall: d.Fault(TokenCall).String(), TicketCall: d.Fault(TicketCall).String()},
	})
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
	if order.Call != TokenCall && order.Call != TicketCall && order.Call != RobotCall {
		http.Error(w, fmt.Sprintf("unknown call %q: use token, ticket or robot", order.Call), http.StatusBadRequest)
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
