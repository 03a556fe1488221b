package suite

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// event is one thing that DingTalk tells a suite, whatever shape it came in.
type event struct {
	name   string // one of eventNames, for the metrics
	at     int64  // when it happened, by DingTalk's clock, in ms; comparable within a corp and for the tickets
	effect effect
	ticket string  // a suite_ticket
	corp   string  // a corpId; "" where the event is of none
	agents []Agent // an authorisation's; nil where it does not list them
	agent  string  // of one micro app
}

// effect is what an event changes.
type effect int

const (
	nothing    effect = iota
	newTicket         // the suite_ticket
	authorize         // the corp
	revoke            // the corp
	startAgent        // one micro app of the corp
	stopAgent
)

// eventNames are the known ones and what they do (DingTalk, development-data-format-help
// and the pages of the plain events). All others are "other".
var eventNames = map[string]effect{
	"check_url": nothing, "check_create_suite_url": nothing, "check_update_suite_url": nothing,
	"suite_ticket":  newTicket,
	"tmp_auth_code": authorize, "change_auth": authorize,
	"org_suite_auth": authorize, "org_suite_change": authorize,
	"suite_relieve": revoke, "org_suite_relieve": revoke, "org_remove": revoke,
	"org_micro_app_stop": stopAgent, "org_micro_app_remove": stopAgent, "org_micro_app_restore": startAgent,
}

const otherEvent = "other"

// checkCreate is the event by which DingTalk tries a callback before there is a suite: it
// is not yet sealed for its key.
const checkCreate = "check_create_suite_url"

// fields is a JSON object whose names DingTalk spells in several ways: auth_corp_id,
// AuthCorpId and authCorpId are one.
type fields map[string]json.RawMessage

func (f *fields) UnmarshalJSON(text []byte) error {
	var exact map[string]json.RawMessage
	if err := json.Unmarshal(text, &exact); err != nil {
		return err
	}
	*f = make(fields, len(exact))
	for name, value := range exact {
		(*f)[strings.ReplaceAll(strings.ToLower(name), "_", "")] = value
	}
	return nil
}

// text is the first of the named fields that is there, a text or a whole number.
func (f fields) text(names ...string) string {
	for _, name := range names {
		var s string
		var n json.Number
		switch raw := f[name]; {
		case len(raw) == 0:
		case json.Unmarshal(raw, &s) == nil && s != "":
			return s
		case json.Unmarshal(raw, &n) == nil && n != "":
			return n.String()
		}
	}
	return ""
}

// object is a field that is an object, or a text that holds one; nil else.
func (f fields) object(name string) (inner fields) {
	raw := f[name]
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		raw = json.RawMessage(s)
	}
	_ = json.Unmarshal(raw, &inner)
	return inner
}

// list is a field that is a list of objects; nil else, empty if it is.
func (f fields) list(name string) (all []fields) {
	_ = json.Unmarshal(f[name], &all)
	return all
}

// parseEvents reads a message that DingTalk has pushed at the given time (ms): a plain
// event, or the rows of a SyncHTTP push, in order. What is not understood is an event
// without effect.
func parseEvents(message []byte, pushed int64) []event {
	var f fields
	if json.Unmarshal(message, &f) != nil {
		return []event{{name: otherEvent}}
	}
	at := stampOf(f.text("timestamp"), pushed, pushed)
	rows := f.list("bizdata")
	if rows == nil {
		return []event{newEvent(f.text("eventtype", "syncaction"), f, at, pushed)}
	}
	all := make([]event, 0, len(rows))
	for _, row := range rows {
		all = append(all, rowEvent(row, at, pushed))
	}
	return all
}

// rowEvent reads a row of a SyncHTTP push.
func rowEvent(row fields, at, pushed int64) event {
	data := row.object("bizdata")
	name := data.text("syncaction", "eventtype")
	if _, has := data["corpid"]; !has && data != nil { // whom the row is about
		data["corpid"] = row["corpid"]
	}
	at = stampOf(row.text("gmtmodified"), at, pushed)
	if name == "suite_ticket" && row.text("biztype") != "2" {
		name = otherEvent
	}
	return newEvent(name, data, at, pushed)
}

func newEvent(name string, f fields, at, pushed int64) event {
	does, known := eventNames[name]
	if !known {
		return event{name: otherEvent}
	}
	e := event{name: name, effect: does, at: stampOf(f.text("gmtmodified"), at, pushed)}
	switch does {
	case nothing:
		return e
	case newTicket:
		e.ticket = f.text("suiteticket")
		if !usableTicket(e.ticket) {
			return event{name: name}
		}
		return e
	}
	e.corp = f.object("authcorpinfo").text("corpid")
	if e.corp == "" {
		e.corp = f.text("authcorpid", "corpid", "eventcorpid")
	}
	if !isCorpID(e.corp) {
		return event{name: name}
	}
	switch does {
	case authorize:
		for _, a := range f.object("authinfo").list("agent") {
			if id := a.text("agentid"); id != "" {
				e.agents = append(e.agents, Agent{ID: id, AppID: a.text("appid")})
			}
		}
	case startAgent, stopAgent:
		e.agent = f.text("agentid")
	}
	return e
}

// usableTicket tells whether a value can be sent as a suite_ticket.
func usableTicket(value string) bool {
	return value != "" && len(value) <= 512 && !strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isCorpID tells whether a text can be a corpId, and so a part of a key of the storage.
func isCorpID(s string) bool {
	return len(s) >= 4 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
}

// maxAhead is how far a time may lie after the push that tells it.
const maxAhead = int64(time.Hour / time.Millisecond)

// stampOf reads a time in ms, which may be said in seconds, in ms, or as China's date and
// time. One that is none, or that no event could have, is otherwise.
func stampOf(text string, otherwise, pushed int64) int64 {
	ms := parseStamp(text)
	if ms <= 0 || ms > pushed+maxAhead {
		return otherwise
	}
	return ms
}

// parseStamp returns 0 where the text is no time.
func parseStamp(text string) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 1e11 { // in ms that were 1973
			return n * 1000
		}
		return n
	}
	if t, err := time.ParseInLocation(time.DateTime, text, china); err == nil {
		return t.UnixMilli()
	}
	return 0
}

var china = time.FixedZone("CST", 8*60*60)
