package sandbox

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Suite is a third-party application, which other organisations may have.
type Suite struct {
	Key    string // default: suitesandbox0000001 and so on
	Secret string // default: random
	Token  string // that signs pushes; default: random
	AESKey string // EncodingAESKey of pushes; default: random
	AppID  string // of its first micro app; default: 70001 and so on
	Ticket string // the suite ticket at first; default: random

	// Custom is an app made for one organisation (定制应用) or a test app: any suite ticket is right.
	Custom bool
}

// withDefaults fills in what is missing in the nth suite, counted from 1.
func (s Suite) withDefaults(n int) Suite {
	s.Key = cmp.Or(s.Key, fmt.Sprintf("suitesandbox%07d", n))
	s.Secret = cmp.Or(s.Secret, "secret-suite-"+rand.Text())
	s.Token = cmp.Or(s.Token, "secrettoken"+rand.Text()[:20])
	s.AESKey = cmp.Or(s.AESKey, (rand.Text() + rand.Text())[:43])
	s.AppID = cmp.Or(s.AppID, fmt.Sprintf("7000%d", n))
	s.Ticket = cmp.Or(s.Ticket, "secret-ticket-"+rand.Text())
	return s
}

// State is what has become of an organisation's authorisation of a suite.
type State string

// The states.
const (
	Authorized State = "authorized"
	Stopped    State = "stopped"   // its administrator has switched the app off
	Revoked    State = "revoked"   // the organisation has removed the suite
	Dissolved  State = "dissolved" // there is no such organisation any more
)

var states = []State{Authorized, Stopped, Revoked, Dissolved}

// Agent is a micro app of a suite in one organisation.
type Agent struct {
	AgentID string `json:"agentid"`
	AppID   string `json:"appid"` // default: the suite's
}

// UnmarshalJSON reads {agentid, appid}, or the agentid alone. Both may be numbers.
func (a *Agent) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("{")) {
		return json.Unmarshal(data, (*text)(&a.AgentID))
	}
	var wire struct {
		AgentID text `json:"agentid"`
		AppID   text `json:"appid"`
	}
	err := json.Unmarshal(data, &wire)
	*a = Agent{string(wire.AgentID), string(wire.AppID)}
	return err
}

// Authorization is an organisation's authorisation of a suite.
type Authorization struct {
	Suite  string  `json:"suite,omitempty"`  // its key; default: the first suite's
	CorpID string  `json:"corpid"`           // any
	Agents []Agent `json:"agents,omitempty"` // default: those it had, else one
	State  State   `json:"state,omitempty"`  // default: authorized
}

// membership names an authorisation.
type membership struct{ suite, corp string }

// Suites returns the suites with all defaults filled in, and their present tickets.
func (d *DingTalk) Suites() []Suite {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.suites)
}

// suite finds a suite by its key; "" is the first one.
func (d *DingTalk) suite(key string) (Suite, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.indexOf(key)
	if i < 0 {
		return Suite{}, false
	}
	return d.suites[i], true
}

func (d *DingTalk) indexOf(key string) int {
	if key == "" && len(d.suites) > 0 {
		return 0
	}
	return slices.IndexFunc(d.suites, func(s Suite) bool { return s.Key == key })
}

// Authorize sets what has become of an organisation's authorisation, without telling anybody:
// that is what Push is for. Its tokens die with it.
func (d *DingTalk) Authorize(a Authorization) (Authorization, error) {
	s, known := d.suite(a.Suite)
	switch {
	case !known:
		return a, fmt.Errorf("there is no suite %q", a.Suite)
	case a.CorpID == "":
		return a, fmt.Errorf("which organisation? Name its corpid")
	}
	a.Suite, a.State = s.Key, cmp.Or(a.State, Authorized)
	if !slices.Contains(states, a.State) {
		return a, fmt.Errorf("unknown state %q: use one of %v", a.State, states)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := membership{a.Suite, a.CorpID}
	if a.Agents == nil {
		a.Agents = d.authorized[at].Agents
	}
	if a.Agents == nil {
		a.Agents = []Agent{{AgentID: strconv.Itoa(5_000_001 + len(d.authorized))}}
	}
	a.Agents = slices.Clone(a.Agents)
	for i := range a.Agents {
		a.Agents[i].AppID = cmp.Or(a.Agents[i].AppID, s.AppID)
	}
	d.authorized[at] = a
	if a.State == Revoked || a.State == Dissolved {
		of := func(h holder) bool { return h == holder{ISV, a.Suite, a.CorpID} }
		d.org.killTokens(of)
		d.org.killTickets(of)
	}
	return a, nil
}

// Authorizations returns those of a suite that were ever set, by corpid; "" is the first suite.
func (d *DingTalk) Authorizations(suite string) []Authorization {
	s, _ := d.suite(suite)
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Authorization
	for at, a := range d.authorized {
		if at.suite == s.Key {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b Authorization) int { return strings.Compare(a.CorpID, b.CorpID) })
	return all
}

func (d *DingTalk) authorization(suite, corp string) (Authorization, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, known := d.authorized[membership{suite, corp}]
	return a, known
}

// NewSuiteTicket gives a suite, "" is the first, a new ticket: value, or where it is "" a random
// one. The old one is no longer good. It returns "" where there is no such suite.
func (d *DingTalk) NewSuiteTicket(suite, value string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.indexOf(suite)
	if i < 0 {
		return ""
	}
	d.suites[i].Ticket = cmp.Or(value, "secret-ticket-"+rand.Text())
	d.suiteTickets = append(d.suiteTickets, d.suites[i].Ticket)
	return d.suites[i].Ticket
}

// v1CorpToken is POST /v1.0/oauth2/corpAccessToken
// (obtain-the-access-token-of-the-authorized-enterprise-1).
func (d *DingTalk) v1CorpToken(q request) reply {
	if !q.isJSON() || !json.Valid(q.body) {
		return missingBody()
	}
	refuse := func(code, message string) reply { return v1Refusal(http.StatusBadRequest, code, message) }
	s, known := d.suite(q.text("suiteKey"))
	corp, ticket := q.text("authCorpId"), q.text("suiteTicket")
	switch {
	case q.text("suiteKey") == "" || !known || q.text("suiteSecret") != s.Secret:
		return refuse("invalidSuiteKey", "无效的suiteKey或suiteSecret")
	case !s.admits(ticket):
		return refuse("invalidSuiteTicket", "无效的suiteTicket")
	}
	if a, known := d.authorization(s.Key, corp); !known || a.State == Revoked || a.State == Dissolved {
		return refuse("invalidAuthInfo", "企业未开通该应用")
	}
	return d.v1Success("accessToken", d.org.corpToken(holder{ISV, s.Key, corp}))
}

func (s Suite) admits(ticket string) bool {
	return ticket == s.Ticket || s.Custom && ticket != ""
}

// clockTolerance is how far a signed call may be from DingTalk's clock (853002).
const clockTolerance = time.Minute

// signedBy checks the query of a call that a suite signs
// (the-signature-calculation-method-of-the-third-party-access-interface).
func (d *DingTalk) signedBy(q request) (s Suite, refusal reply, ok bool) {
	refuse := func(errcode int) (Suite, reply, bool) {
		return Suite{}, legacyRefusal(errcode, errmsgs[errcode]), false
	}
	timestamp := q.query.Get("timestamp")
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	now := d.options.Now()
	if err != nil || now.Sub(time.Unix(ms, 0)).Abs() < 24*time.Hour { // seconds
		return refuse(853001)
	}
	if now.Sub(time.UnixMilli(ms)).Abs() > clockTolerance {
		return refuse(853002)
	}
	s, known := d.suite(q.query.Get("accessKey"))
	if q.query.Get("accessKey") == "" || !known {
		return refuse(853003)
	}
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write([]byte(timestamp + "\n" + q.query.Get("suiteTicket")))
	if q.query.Get("signature") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return refuse(853004)
	}
	if !s.admits(q.query.Get("suiteTicket")) {
		return refuse(853005)
	}
	return s, reply{}, true
}

// authorizedFor is signedBy for calls about one organisation, which their body names.
func (d *DingTalk) authorizedFor(q request) (a Authorization, refusal reply, ok bool) {
	s, refusal, ok := d.signedBy(q)
	if !ok {
		return a, refusal, false
	}
	corp := q.text("auth_corpid")
	if corp == "" {
		return a, legacyRefusal(40035, "缺少参数 auth_corpid"), false
	}
	a, known := d.authorization(s.Key, corp)
	switch {
	case known && a.State == Dissolved:
		return a, legacyRefusal(33001, errmsgs[33001]), false
	case !known || a.State == Revoked:
		return a, legacyRefusal(41030, errmsgs[41030]), false
	}
	return a, reply{}, true
}

// legacyCorpToken is POST /service/get_corp_token
// (obtains-the-enterprise-authorized-credential).
func (d *DingTalk) legacyCorpToken(q request) reply {
	a, refusal, ok := d.authorizedFor(q)
	if !ok {
		return refusal
	}
	return d.legacySuccess("access_token", d.org.corpToken(holder{ISV, a.Suite, a.CorpID}))
}

// authInfo is POST /service/get_auth_info (obtains-the-basic-information-of-an-enterprise).
// agentid and appid are numbers where they can be.
func (d *DingTalk) authInfo(q request) reply {
	a, refusal, ok := d.authorizedFor(q)
	if !ok {
		return refusal
	}
	if key := q.text("suite_key"); key != "" && key != a.Suite {
		return legacyRefusal(40035, "不合法的参数 suite_key")
	}
	return plainSuccess(fields{
		"auth_corp_info":    fields{"corpid": a.CorpID, "corp_name": "企业 " + a.CorpID, "is_authenticated": true},
		"auth_user_info":    fields{"userId": "u1"},
		"auth_info":         fields{"agent": a.agents()},
		"channel_auth_info": fields{"channelAgent": []fields{}},
	})
}

// agents are the micro apps as DingTalk lists them.
func (a Authorization) agents() []fields {
	list := []fields{}
	for _, agent := range a.Agents {
		list = append(list, fields{"agent_name": "应用 " + agent.AppID, "agentid": number(agent.AgentID), "appid": number(agent.AppID),
			"admin_list": []string{"u1"}})
	}
	return list
}

// number is the text as a JSON number, if it is one.
func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}

// SuiteSecrets returns all that must stay between a suite and DingTalk, past tickets included.
func (d *DingTalk) SuiteSecrets() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.suiteTickets)
	for _, s := range d.suites {
		all = append(all, s.Secret, s.Token, s.AESKey)
	}
	return all
}

// callerOf is the organisation that a call is made for, "" where it names none that is known.
func (d *DingTalk) callerOf(q request) string {
	token := cmp.Or(q.query.Get("access_token"), q.header.Get("x-acs-dingtalk-access-token"))
	if h, _ := d.org.owner(token); h.corp != "" {
		return h.corp
	}
	key := cmp.Or(q.query.Get("appkey"), q.text("appKey"))
	if a, known := d.account(func(a Account) bool { return a.AppKey == key }); known {
		return a.CorpID
	}
	return cmp.Or(q.query.Get("corpid"), q.text("auth_corpid"), q.text("authCorpId"))
}

// CallsFor returns how often each call was made for one organisation, as Calls names them.
func (d *DingTalk) CallsFor(corp string) map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.callsFor[corp])
}

// TicketFor returns the living ticket of an app (an AppKey or SuiteKey) in one organisation, or ""
// while there is none. It neither fetches nor prolongs.
func (d *DingTalk) TicketFor(app, corp string) string {
	kind := App
	if _, isSuite := d.suite(app); isSuite {
		kind = ISV
	}
	return d.org.livingTicket(holder{kind, app, corp})
}

// ExpireTicketFor kills the living tickets of one organisation.
func (d *DingTalk) ExpireTicketFor(corp string) {
	d.org.killTickets(func(h holder) bool { return h.corp == corp })
}
