package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// platform is DingTalk as a suite sees it: which suite_ticket it takes, which corps have
// authorised the suite with which agents, and every call.
type platform struct {
	mu     sync.Mutex
	ticket string
	corps  map[string][]string
	fault  func(call, corp string) string // the answer that a call gets instead, "" for its own
	delay  time.Duration
	calls  map[string]int // by name, and by name and corp
	tokens map[string]int
}

func newPlatform() *platform {
	return &platform{ticket: "ticket-1", corps: make(map[string][]string), calls: make(map[string]int), tokens: make(map[string]int), delay: 20 * time.Millisecond}
}

func (p *platform) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *platform) count(name string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[name]
}

// RoundTrip answers a call.
func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	var body map[string]string
	text, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(text, &body)
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	corp := body["authCorpId"] + body["auth_corpid"]
	access := r.Header.Get("x-acs-dingtalk-access-token") + r.URL.Query().Get("access_token")
	if corp == "" {
		corp, _, _ = strings.Cut(strings.TrimPrefix(access, "access-"), "-")
	}
	p.mu.Lock()
	p.calls[name]++
	p.calls[name+" "+corp]++
	delay, fault := p.delay, p.fault
	p.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	answer := ""
	if fault != nil {
		answer = fault(name, corp)
	}
	if answer == "" {
		answer = p.answer(name, corp, access, body["suiteTicket"]+r.URL.Query().Get("suiteTicket"))
	}
	status := 200
	if strings.HasPrefix(answer, `{"code"`) {
		status = 400
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (p *platform) answer(name, corp, access, ticket string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	agents, authorized := p.corps[corp]
	if name != "jsapiTickets" && ticket != p.ticket {
		return map[bool]string{true: `{"code":"invalidSuiteTicket","message":"x"}`, false: `{"errcode":853005}`}[name == "corpAccessToken"]
	}
	switch {
	case name == "corpAccessToken" && !authorized:
		return `{"code":"orgNotAuthApp","message":"x"}`
	case name == "corpAccessToken":
		p.tokens[corp]++
		return fmt.Sprintf(`{"accessToken":"access-%s-%d","expireIn":7200}`, corp, p.tokens[corp])
	case name == "jsapiTickets" && access == fmt.Sprintf("access-%s-%d", corp, p.tokens[corp]):
		return fmt.Sprintf(`{"jsapiTicket":"ticket-%s-%d","expireIn":7200}`, corp, p.tokens[corp])
	case name == "jsapiTickets":
		return `{"code":"InvalidAuthentication","message":"x"}`
	case name == "get_auth_info" && !authorized:
		return `{"errcode":41030,"errmsg":"x"}`
	case name == "get_auth_info":
		list := make([]string, len(agents))
		for i, id := range agents {
			list[i] = fmt.Sprintf(`{"agentid":%s,"appid":%d}`, id, 5+i)
		}
		return `{"errcode":0,"auth_info":{"agent":[` + strings.Join(list, ",") + `]}}`
	}
	return `{"errcode":404}`
}

// shelf is a storage in memory with locks that hold.
type shelf struct {
	mu     sync.Mutex
	data   map[string][]byte
	locks  map[string]chan struct{}
	fails  error // what reading and writing end in
	hangs  bool
	writes int
	reads  int
}

func newShelf() *shelf {
	return &shelf{data: make(map[string][]byte), locks: make(map[string]chan struct{})}
}

func (s *shelf) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// ready fails or hangs as it is told.
func (s *shelf) ready(ctx context.Context) error {
	s.mu.Lock()
	fails, hangs := s.fails, s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return fails
}

func (s *shelf) Load(ctx context.Context, key string) ([]byte, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	data, is := s.data[key]
	if !is {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(data), nil
}

func (s *shelf) Store(ctx context.Context, key string, value []byte) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.data[key] = bytes.Clone(value)
	return nil
}

func (s *shelf) Delete(ctx context.Context, key string) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.data, key)
	return nil
}

func (s *shelf) Lock(ctx context.Context, name string) error {
	s.mu.Lock()
	lock := s.locks[name]
	if lock == nil {
		lock = make(chan struct{}, 1)
		s.locks[name] = lock
	}
	s.mu.Unlock()
	select {
	case lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *shelf) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	<-s.locks[name]
	return nil
}

func (s *shelf) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.data {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

var errBroken = errors.New("broken")

const suiteKey = "suite1"

var aesKey = bytes.Repeat([]byte{7}, 32)

// node is one process of a fleet.
type node struct {
	*Suite
	t testing.TB
}

// newNode returns a process that runs.
func newNode(t testing.TB, p *platform, s Storage, change ...func(*Options)) *node {
	t.Helper()
	o := Options{Key: suiteKey, Secret: "s3cret", Token: "t0ken", AESKey: aesKey, Storage: s, Log: zap.NewNop(), transport: p}
	for _, c := range change {
		c(&o)
	}
	suite, err := newSuite(o)
	if err != nil {
		t.Fatal(err)
	}
	suite.fleet = newFleet(o.name(), o.Key, maxCorps)
	suite.close = suite.fleet.use(suite)
	suite.fleet.begin()
	t.Cleanup(func() {
		_ = suite.fleet.Destruct()
		suite.close()
	})
	return &node{suite, t}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) })
		test(t)
	})
}

// push sends a message as DingTalk does.
func (n *node) push(message string) error {
	n.t.Helper()
	return n.pushAt(message, time.Now())
}

func (n *node) pushAt(message string, at time.Time) error {
	n.t.Helper()
	p := seal(n.crypt, message, suiteKey, at)
	reply, err := Suites{n.Suite}.Receive(n.t.Context(), p)
	if err != nil {
		return err
	}
	var m Sealed
	if err := json.Unmarshal(reply, &m); err != nil {
		n.t.Fatal(err)
	}
	text, receiver, err := n.crypt.Open(m)
	if err != nil || string(text) != "success" || receiver != suiteKey || !n.crypt.Signed(m) {
		n.t.Errorf("the reply is %q for %q, %v", text, receiver, err)
	}
	return nil
}

// seal makes a push.
func seal(c *Crypt, message, receiver string, at time.Time) Push {
	m := c.Seal(message, receiver, at)
	return Push{Signature: m.Signature, Timestamp: m.Timestamp, Nonce: m.Nonce, Body: []byte(`{"encrypt":"` + m.Encrypt + `"}`)}
}

func (n *node) mustPush(message string) {
	n.t.Helper()
	if err := n.push(message); err != nil {
		n.t.Error(err)
	}
}

func ms(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

func ticketEvent(value string) string {
	return `{"SuiteKey":"suite1","EventType":"suite_ticket","TimeStamp":"` + ms(time.Now()) + `","SuiteTicket":"` + value + `"}`
}

// syncEvent is a SyncHTTP push of one row.
func syncEvent(biz int, corp string, at time.Time, data string) string {
	return fmt.Sprintf(`{"EventType":"SYNC_HTTP_PUSH_HIGH","bizData":[{"biz_type":%d,"corp_id":%q,"gmt_modified":%d,"biz_data":%s}]}`,
		biz, corp, at.UnixMilli(), strconv.Quote(data))
}

func authEvent(corp string, at time.Time, agents ...string) string {
	list := make([]string, len(agents))
	for i, id := range agents {
		list[i] = fmt.Sprintf(`{"agentid":%s,"appid":%d}`, id, 5+i)
	}
	return syncEvent(4, corp, at, `{"syncAction":"org_suite_auth","auth_corp_info":{"corpid":"`+corp+`"},"auth_info":{"agent":[`+strings.Join(list, ",")+`]}}`)
}

func relieveEvent(corp string, at time.Time) string {
	return syncEvent(4, corp, at, `{"syncAction":"org_suite_relieve"}`)
}

// page asks as a page does, and tells the outcome in a word: agent and ticket, or why not.
func (n *node) page(corp string, agent ...string) string {
	n.t.Helper()
	found, err := n.Find(n.t.Context(), corp, strings.Join(agent, ""), 2*time.Second)
	var e *Error
	switch {
	case errors.As(err, &e):
		return [...]string{"unknown", "revoked", "ambiguous", "unavailable"}[e.Kind]
	case err != nil:
		return err.Error()
	}
	ticket, err := found.Tokens.Ticket(n.t.Context(), 2*time.Second)
	if err != nil {
		return "no ticket"
	}
	return found.AgentID + " " + ticket.Value
}

// wantPage compares the outcome of a page.
func (n *node) wantPage(want, corp string, agent ...string) {
	n.t.Helper()
	if got := n.page(corp, agent...); got != want {
		n.t.Errorf("a page of %s %v: %s, want %s", corp, agent, got, want)
	}
}
