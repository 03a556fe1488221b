package sandbox

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestControl(t *testing.T) {
	d := fixed()
	ticket := legacyTicket(t, d, login(t, d, App))
	control := d.ControlHandler()

	state := func(r *http.Request) (calls, tickets, faults map[string]any) {
		t.Helper()
		_, body := ask(t, control, r)
		if body["refetch"] != "same_value" {
			t.Errorf("refetch is %v", body["refetch"])
		}
		calls, _ = body["calls"].(map[string]any)
		tickets, _ = body["tickets"].(map[string]any)
		faults, _ = body["faults"].(map[string]any)
		return calls, tickets, faults
	}

	calls, tickets, faults := state(get("/sandbox/state"))
	if calls["oapi.token"] != 1.0 || calls["oapi.ticket"] != 1.0 || tickets["app"] != ticket || faults["token"] != "" || faults["ticket"] != "" {
		t.Errorf("at first: %v %v %v", calls, tickets, faults)
	}
	if _, _, faults = state(post("/sandbox/fault", "application/json", `{"call":"ticket","fault":"errcode:60020"}`)); faults["ticket"] != "errcode:60020" {
		t.Errorf("with a fault: %v", faults)
	}
	if got := d.Fault(TicketCall).String(); got != "errcode:60020" {
		t.Errorf("the fault set is %q", got)
	}
	if _, _, faults = state(post("/sandbox/fault", "application/json", `{"call":"ticket","fault":""}`)); faults["ticket"] != "" {
		t.Errorf("with the fault off: %v", faults)
	}
	if _, tickets, _ = state(post("/sandbox/expire", "", "")); len(tickets) != 0 || d.Ticket(App) != "" {
		t.Errorf("after expire: %v", tickets)
	}
	d.SetFault(TokenCall, MustFault("drop"))
	if calls, _, faults = state(post("/sandbox/reset", "", "")); len(calls) != 0 || faults["token"] != "" {
		t.Errorf("after reset: %v %v", calls, faults)
	}
}

func TestControlRefuses(t *testing.T) {
	tests := map[string]struct {
		request *http.Request
		status  int
	}{
		"an unknown fault":     {post("/sandbox/fault", "", `{"call":"token","fault":"nonsense"}`), 400},
		"an unknown call":      {post("/sandbox/fault", "", `{"call":"tokens","fault":"ip"}`), 400},
		"a fault without JSON": {post("/sandbox/fault", "", `ip`), 400},
		"a GET that changes":   {get("/sandbox/expire"), 405},
		"an unknown path":      {get("/sandbox/else"), 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := New(Options{})
			w := httptest.NewRecorder()
			d.ControlHandler().ServeHTTP(w, tt.request)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			if f := d.Fault(TokenCall); f.String() != "" {
				t.Errorf("the fault %q was set", f)
			}
		})
	}
}
