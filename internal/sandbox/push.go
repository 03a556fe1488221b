package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Push is an event on its way to a suite's callback.
type Push struct {
	URL    string `json:"url"`
	Event  string `json:"event"`
	CorpID string `json:"corpid"`
	Suite  string `json:"suite"` // its key; default: the first suite's

	// Shape is plain, or sync for SyncHTTP. Default: sync for what only that has, else plain. Events
	// may go by either's name: tmp_auth_code is org_suite_auth.
	Shape string `json:"shape"`

	// Time is when the event happened and was sent: milliseconds since 1970, RFC 3339, or a duration
	// from now such as "-25h". Default: now.
	Time text `json:"time"`

	// Timestamp is that of the query where it is not Time's, as it is written there.
	Timestamp text `json:"timestamp"`

	// Tamper spoils the push: see tampers.
	Tamper string `json:"tamper"`

	// Message replaces what the event would say.
	Message string `json:"message"`

	Object   bool   `json:"object"`   // SyncHTTP's biz_data as an object rather than a string
	SignedBy string `json:"signedBy"` // the query's name for the signature; default: signature
	Nonce    string `json:"nonce"`    // default: random
}

// PushReply is what the callback answered.
type PushReply struct {
	Status int     `json:"status"`
	Reply  string  `json:"reply"` // decrypted, "" where that cannot be
	Error  string  `json:"error"` // why not
	Body   string  `json:"body"`
	MS     float64 `json:"ms"`   // how long it took
	Sent   string  `json:"sent"` // the push's whole body
	Query  string  `json:"query"`
}

// createSuiteKey stands for the receiver while there is no suite yet.
const createSuiteKey = "suite4xxxxxxxxxxxxxxx"

// plainNames are events by the name that SyncHTTP gives them. The others have one name.
var plainNames = map[string]string{"org_suite_auth": "tmp_auth_code", "org_suite_change": "change_auth", "org_suite_relieve": "suite_relieve"}

// bizTypes are SyncHTTP's, by its name of the event.
var bizTypes = map[string]int{
	"suite_ticket": 2, "org_suite_auth": 4, "org_suite_change": 4, "org_suite_relieve": 4,
	"org_micro_app_stop": 7, "org_micro_app_restore": 7, "org_micro_app_remove": 7, "org_micro_app_scope_update": 7,
	"org_remove": 16, "org_update": 16,
}

// Push sends an event, and reads the answer. An error is one of the push, or of the way to the
// callback; what the callback answers is in the reply.
func (d *DingTalk) Push(ctx context.Context, p Push) (PushReply, error) {
	return d.PushBy(ctx, http.DefaultClient, p)
}

// PushBy is Push over a client that knows the way.
func (d *DingTalk) PushBy(ctx context.Context, client *http.Client, p Push) (PushReply, error) {
	s, known := d.suite(p.Suite)
	if !known {
		return PushReply{}, fmt.Errorf("there is no suite %q", p.Suite)
	}
	if p.Tamper != "" && !slices.Contains(tampers, p.Tamper) {
		return PushReply{}, fmt.Errorf("unknown way to tamper %q: use one of %v", p.Tamper, tampers)
	}
	at, err := p.at(d.options.Now())
	if err != nil {
		return PushReply{}, err
	}
	message := p.Message
	if message == "" {
		message = d.message(s, p, at)
	}
	l, err := p.letter(s, message, at)
	if err != nil {
		return PushReply{}, err
	}
	return p.send(ctx, client, s, l)
}

// at reads Time.
func (p Push) at(now time.Time) (time.Time, error) {
	if p.Time == "" {
		return now, nil
	}
	if ms, err := strconv.ParseInt(string(p.Time), 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	if by, err := time.ParseDuration(string(p.Time)); err == nil {
		return now.Add(by), nil
	}
	at, err := time.Parse(time.RFC3339, string(p.Time))
	if err != nil {
		return at, fmt.Errorf("reading the time %q: write milliseconds since 1970, RFC 3339 or a duration", p.Time)
	}
	return at, nil
}

// message is what the event says, as the pages on it print it.
func (d *DingTalk) message(s Suite, p Push, at time.Time) string {
	name := p.Event
	for long, short := range plainNames {
		if name == short {
			name = long
		}
	}
	sync := p.Shape == "sync" || p.Shape == "" && (bizTypes[p.Event] == 4 || bizTypes[p.Event] == 16 || p.Event == "org_micro_app_remove")
	if sync {
		return d.syncMessage(s, p, name, at)
	}
	return d.plainMessage(s, p, cmp.Or(plainNames[name], name), at)
}

func (d *DingTalk) plainMessage(s Suite, p Push, name string, at time.Time) string {
	m := fields{"EventType": name}
	if strings.HasPrefix(name, "check_") {
		if name != "check_url" {
			m["Random"], m["TestSuiteKey"] = rand.Text()[:8], receiver(s, name)
		}
		return asText(m)
	}
	m["SuiteKey"], m["TimeStamp"] = s.Key, strconv.FormatInt(at.UnixMilli(), 10)
	if name == "suite_ticket" {
		m["SuiteTicket"] = s.Ticket
		return asText(m)
	}
	m["AuthCorpId"] = p.CorpID
	if name == "tmp_auth_code" {
		m["AuthCode"] = "auth" + rand.Text()
	}
	if strings.HasPrefix(name, "org_micro_app") {
		agent := d.firstAgent(s, p.CorpID)
		m["AgentId"], m["AppId"] = number(agent.AgentID), number(agent.AppID)
	}
	return asText(m)
}

func (d *DingTalk) syncMessage(s Suite, p Push, name string, at time.Time) string {
	data := fields{"syncAction": name, "syncSeq": rand.Text()}
	corp := p.CorpID
	switch bizTypes[name] {
	case 2:
		data["suiteTicket"] = s.Ticket
		corp = cmp.Or(corp, d.options.CorpID) // the provider's own
	case 4:
		a, _ := d.authorization(s.Key, p.CorpID)
		data["auth_corp_info"] = fields{"corpid": p.CorpID, "corp_name": "企业 " + p.CorpID}
		data["auth_info"] = fields{"agent": a.agents()}
		data["permanent_code"] = "permanent" + rand.Text()
		if name == "org_suite_relieve" {
			data = fields{"syncAction": name, "syncSeq": data["syncSeq"]}
		}
	case 7:
		agent := d.firstAgent(s, p.CorpID)
		data["agentId"], data["appId"] = number(agent.AgentID), number(agent.AppID)
	}
	var biz any = asText(data)
	if p.Object {
		biz = data
	}
	ms := at.UnixMilli()
	return asText(fields{"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": []fields{{
		"gmt_create": ms, "gmt_modified": ms, "biz_type": bizTypes[name], "open_cursor": 0, "subscribe_id": s.Key + "_0",
		"id": ms % 1_000_000, "biz_id": s.AppID, "biz_data": biz, "corp_id": corp, "status": 0,
	}}})
}

func (d *DingTalk) firstAgent(s Suite, corp string) Agent {
	if a, _ := d.authorization(s.Key, corp); len(a.Agents) > 0 {
		return a.Agents[0]
	}
	return Agent{AgentID: "0", AppID: s.AppID}
}

func asText(m fields) string { return string(reply{body: m}.json()) }

// receiver is the key at the end of a push.
func receiver(s Suite, event string) string {
	if event == "check_create_suite_url" {
		return createSuiteKey
	}
	return s.Key
}

// letter encrypts and signs the message, and spoils what is to be spoiled.
func (p Push) letter(s Suite, message string, at time.Time) (letter, error) {
	key, err := aesKey(s.AESKey)
	if err != nil {
		return letter{}, fmt.Errorf("reading the suite's AES key: %w", err)
	}
	token, to := s.Token, receiver(s, p.Event)
	switch p.Tamper {
	case "token":
		token += "x"
	case "aes_key":
		key = slices.Clone(key)
		key[31] ^= 1
	case "key":
		to = "suiteofsomebodyelse"
	}
	pack := padded
	if spoil, ok := parcels[p.Tamper]; ok {
		pack = spoil
	}
	l := letter{
		timestamp: cmp.Or(string(p.Timestamp), strconv.FormatInt(at.UnixMilli(), 10)),
		nonce:     cmp.Or(p.Nonce, rand.Text()[:16]),
		encrypt:   encrypt(key, pack(plainPush(message, to))),
	}
	switch p.Tamper {
	case "15_bytes":
		l.encrypt = base64.StdEncoding.EncodeToString(make([]byte, 15))
	case "17_bytes":
		l.encrypt = base64.StdEncoding.EncodeToString(make([]byte, 17))
	case "empty":
		l.encrypt = ""
	case "not_base64":
		l.encrypt = "*" + l.encrypt
	}
	l.signature = pushSignature(token, l.timestamp, l.nonce, l.encrypt)
	if spoil, ok := letters[p.Tamper]; ok {
		spoil(&l)
	}
	return l, nil
}

// send posts the letter as DingTalk does, and opens the answer.
func (p Push) send(ctx context.Context, client *http.Client, s Suite, l letter) (PushReply, error) {
	target, err := url.Parse(p.URL)
	if err != nil || target.Host == "" {
		return PushReply{}, fmt.Errorf("reading the push's url %q: write a whole one", p.URL)
	}
	q := target.Query()
	q.Set(cmp.Or(p.SignedBy, "signature"), l.signature)
	q.Set("timestamp", l.timestamp)
	q.Set("nonce", l.nonce)
	if p.Tamper == "no_query" {
		q = url.Values{}
	}
	target.RawQuery = q.Encode()
	sent := asText(fields{"encrypt": l.encrypt})
	if p.Tamper == "not_json" {
		sent = "encrypt=" + l.encrypt
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(sent))
	if err != nil {
		return PushReply{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	start := time.Now()
	resp, err := client.Do(r)
	if err != nil {
		return PushReply{}, fmt.Errorf("pushing: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRequestBody))
	if err != nil {
		return PushReply{}, fmt.Errorf("reading the callback's answer: %w", err)
	}
	answer := PushReply{
		Status: resp.StatusCode, Body: string(body), MS: float64(time.Since(start).Microseconds()) / 1000,
		Sent: sent, Query: target.RawQuery,
	}
	if answer.Reply, err = open(s, body); err != nil {
		answer.Error = err.Error()
	}
	return answer, nil
}

// open reads an answer as strictly as DingTalk might.
func open(s Suite, body []byte) (string, error) {
	var wire struct {
		Signature string `json:"msg_signature"`
		TimeStamp text   `json:"timeStamp"`
		Nonce     string `json:"nonce"`
		Encrypt   string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return "", fmt.Errorf("the answer is no JSON: %w", err)
	}
	if wire.Encrypt == "" || wire.Nonce == "" || wire.TimeStamp == "" {
		return "", fmt.Errorf("the answer lacks encrypt, nonce or timeStamp")
	}
	if wire.Signature != pushSignature(s.Token, string(wire.TimeStamp), wire.Nonce, wire.Encrypt) {
		return "", fmt.Errorf("the answer's msg_signature is wrong")
	}
	key, err := aesKey(s.AESKey)
	if err != nil {
		return "", err
	}
	message, to, err := decrypt(key, wire.Encrypt)
	if err == nil && to != s.Key && to != createSuiteKey {
		err = fmt.Errorf("the answer is for %q", to)
	}
	return message, err
}

// PushSuiteTicket gives the first suite a new ticket and pushes it there.
func (d *DingTalk) PushSuiteTicket(ctx context.Context, url string) (PushReply, error) {
	d.NewSuiteTicket("", "")
	return d.Push(ctx, Push{URL: url, Event: "suite_ticket"})
}

// pushTimeout is how long the callback may take before the control says that it takes too long.
const pushTimeout = 10 * time.Second

// order reads the body of a control's POST.
func order(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<20)).Decode(into); err != nil {
		http.Error(w, "reading the order: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (d *DingTalk) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	var a Authorization
	if !order(w, r, &a) {
		return
	}
	if _, err := d.Authorize(a); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.serveState(w, r)
}

func (d *DingTalk) servePush(w http.ResponseWriter, r *http.Request) {
	var p Push
	if !order(w, r, &p) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pushTimeout)
	defer cancel()
	answer, err := d.Push(ctx, p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	serveJSON(w, answer)
}

func (d *DingTalk) serveSuiteTicket(w http.ResponseWriter, r *http.Request) {
	var o struct{ Suite, Value, URL string }
	if r.ContentLength != 0 && !order(w, r, &o) {
		return
	}
	ticket := d.NewSuiteTicket(o.Suite, o.Value)
	if ticket == "" {
		http.Error(w, fmt.Sprintf("there is no suite %q", o.Suite), http.StatusBadRequest)
		return
	}
	answer := map[string]any{"suite_ticket": ticket}
	if o.URL != "" {
		ctx, cancel := context.WithTimeout(r.Context(), pushTimeout)
		defer cancel()
		pushed, err := d.Push(ctx, Push{URL: o.URL, Suite: o.Suite, Event: "suite_ticket"})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer["push"] = pushed
	}
	serveJSON(w, answer)
}
