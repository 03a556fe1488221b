// Package sandbox is DingTalk, simulated: the server API of an organisation or several, the native bridge that its
// clients give to pages, the check behind that bridge, and a small H5 app to watch it all.
//
// It is an independent judge of the module: it imports none of the module's packages, so that a mistake
// there cannot be repeated here by sharing code. It holds nothing real and belongs on loopback only.
package sandbox

import (
	"cmp"
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Options describes an organisation with one internal app, and what there is beside it. The zero value
// is complete.
type Options struct {
	AppKey        string // default: dingsandbox0000001
	AppSecret     string // default: random
	CorpID        string // default: dingsandboxcorp00001
	AgentID       string // default: 1234567890
	CorpSecret    string // the older corpid + corpsecret login; default: random
	ChannelSecret string // the service window's; default: random

	// Apps are further internal apps, of this organisation or others.
	Apps []Account

	// Suites are third-party apps.
	Suites []Suite

	// Refetch says what becomes of a living ticket when it is asked for again. Default: SameValue.
	Refetch Refetch

	// Lifetime is how long tokens and tickets live, announced as expires_in in whole seconds. Default: 2 h.
	Lifetime time.Duration

	// People are those whom DingTalk knows. Default: u1 张三, an administrator in department
	// 11; u2 李四 in 12; x1, an external contact; and f1, a follower of the service window.
	People []Person

	// User is who holds the client app: codes of the native bridge are theirs. Default: u1.
	User string

	// ChosenCorp is the organisation that users choose on the OAuth2 page. Default: CorpID.
	ChosenCorp string

	// Rate is how many calls of each user API are answered in a second; 20 is what most
	// organisations have. Default: any number.
	Rate int

	// Now is the clock that lifetimes are measured with. Default: time.Now.
	Now func() time.Time

	// AcceptForms and AcceptHashes narrow down what Verify takes for a right signature. Default: all.
	AcceptForms  []Form
	AcceptHashes []Hash
}

func (o Options) withDefaults() Options {
	o.AppKey = cmp.Or(o.AppKey, "dingsandbox0000001")
	o.AppSecret = cmp.Or(o.AppSecret, "secret-app-"+rand.Text())
	o.CorpID = cmp.Or(o.CorpID, "dingsandboxcorp00001")
	o.AgentID = cmp.Or(o.AgentID, "1234567890")
	o.CorpSecret = cmp.Or(o.CorpSecret, "secret-corp-"+rand.Text())
	o.ChannelSecret = cmp.Or(o.ChannelSecret, "secret-channel-"+rand.Text())
	o.Apps, o.Suites = slices.Clone(o.Apps), slices.Clone(o.Suites)
	for i := range o.Apps {
		o.Apps[i] = o.Apps[i].withDefaults(i + 2)
	}
	for i := range o.Suites {
		o.Suites[i] = o.Suites[i].withDefaults(i + 1)
	}
	o.Refetch = cmp.Or(o.Refetch, SameValue)
	o.Lifetime = cmp.Or(o.Lifetime, 2*time.Hour)
	o.User = cmp.Or(o.User, "u1")
	if o.People == nil {
		o.People = people()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AcceptForms == nil {
		o.AcceptForms = Forms
	}
	if o.AcceptHashes == nil {
		o.AcceptHashes = Hashes
	}
	return o
}

// DingTalk is the server side. As an http.Handler it serves both families of the
// server API on one address, where DingTalk has two hosts: oapi.dingtalk.com and api.dingtalk.com/v1.0.
// It is safe for concurrent use.
type DingTalk struct {
	options  Options
	org      *organisation
	accounts []Account

	group group

	mu       sync.Mutex
	calls    map[string]int
	callsFor map[string]map[string]int // by corpid
	faults   map[Call]Fault

	suites       []Suite
	suiteTickets []string // all that there ever were
	authorized   map[membership]Authorization

	codes      map[string]issued      // that nobody has spent
	everCoded  []string               // all codes
	userTokens map[string]Person      // access tokens of users, by OAuth2
	recent     map[string][]time.Time // calls within the last second
	user       string                 // who holds the client app
	approve    string                 // who approves on the OAuth2 page without being asked, or "refuse"
}

// New founds the organisations.
func New(options Options) *DingTalk {
	options = options.withDefaults()
	d := &DingTalk{
		options:  options,
		org:      newOrganisation(options),
		accounts: slices.Concat([]Account{options.account()}, options.Apps),
		calls:    make(map[string]int),
		callsFor: make(map[string]map[string]int),
		faults:   make(map[Call]Fault),

		suites:     slices.Clone(options.Suites),
		authorized: make(map[membership]Authorization),

		codes:      make(map[string]issued),
		userTokens: make(map[string]Person),
		recent:     make(map[string][]time.Time),
		user:       options.User,
	}
	for _, s := range d.suites {
		d.suiteTickets = append(d.suiteTickets, s.Ticket)
	}
	return d
}

// account is the internal app that the options themselves describe.
func (o Options) account() Account {
	return Account{o.AppKey, o.AppSecret, o.CorpID, o.AgentID, o.CorpSecret, o.ChannelSecret}
}

// Options returns the organisation's options with all defaults filled in.
func (d *DingTalk) Options() Options { return d.options }

// Call is a kind of API call that a fault can befall.
type Call string

// The kinds of calls: of all that give a token, all that give a ticket, and each of those
// of suites and about users.
const (
	TokenCall     Call = "token"
	TicketCall    Call = "ticket"
	CorpTokenCall Call = "corpAccessToken"
	GetTokenCall  Call = "get_corp_token"
	UnifiedCall   Call = "oauth2/token"
	AuthInfoCall  Call = "get_auth_info"
	UserInfoCall  Call = "getuserinfo"
	UserGetCall   Call = "user_get"
	UnionIDCall   Call = "getbyunionid"
	ParentsCall   Call = "listparentbyuser"
	ByCodeCall    Call = "get_by_code"
	UserTokenCall Call = "userAccessToken"
	MeCall        Call = "users_me"
)

// kindsOfCalls are all of them.
var kindsOfCalls = []Call{TokenCall, TicketCall, CorpTokenCall, GetTokenCall, UnifiedCall, AuthInfoCall, UserInfoCall, UserGetCall, UnionIDCall, ParentsCall, ByCodeCall, UserTokenCall, MeCall, RobotCall}

// endpoint is one call of the server API.
type endpoint struct {
	name   string // as counted by Calls
	call   Call
	family family
	answer func(*DingTalk, request) reply
}

// request is what an endpoint looks at.
type request struct {
	path   string
	query  url.Values
	header http.Header
	body   []byte
}

var endpoints = map[string]endpoint{
	"GET /gettoken":                         {"oapi.token", TokenCall, legacy, (*DingTalk).legacyToken},
	"GET /get_jsapi_ticket":                 {"oapi.ticket", TicketCall, legacy, (*DingTalk).legacyTicket},
	"GET /channel/get_channel_token":        {"channel.token", TokenCall, legacy, (*DingTalk).channelToken},
	"GET /channel/get_channel_jsapi_ticket": {"channel.ticket", TicketCall, legacy, (*DingTalk).channelTicket},
	"POST /v1.0/oauth2/accessToken":         {"v1.token", TokenCall, v1, (*DingTalk).v1Token},
	"POST /v1.0/oauth2/jsapiTickets":        {"v1.ticket", TicketCall, v1, (*DingTalk).v1Ticket},
	"POST /v1.0/oauth2/corpAccessToken":     {"v1.corpAccessToken", CorpTokenCall, v1, (*DingTalk).v1CorpToken},
	"POST /service/get_corp_token":          {"oapi.get_corp_token", GetTokenCall, legacy, (*DingTalk).legacyCorpToken},
	"POST /service/get_auth_info":           {"oapi.get_auth_info", AuthInfoCall, legacy, (*DingTalk).authInfo},
	"POST /robot/send":                      {"robot.send", RobotCall, legacy, (*DingTalk).robotSend},

	"POST /topapi/v2/user/getuserinfo":            {"oapi.getuserinfo", UserInfoCall, legacy, (*DingTalk).getUserInfo},
	"GET /user/getuserinfo":                       {"legacy.getuserinfo", UserInfoCall, legacy, (*DingTalk).legacyUserInfo},
	"POST /topapi/v2/user/get":                    {"oapi.user_get", UserGetCall, legacy, (*DingTalk).userGet},
	"GET /user/get":                               {"legacy.user_get", UserGetCall, legacy, (*DingTalk).legacyUserGet},
	"POST /topapi/user/getbyunionid":              {"oapi.getbyunionid", UnionIDCall, legacy, (*DingTalk).getByUnionID},
	"POST /topapi/v2/department/listparentbyuser": {"oapi.listparentbyuser", ParentsCall, legacy, (*DingTalk).listParentByUser},
	"GET /channel/user/get_by_code":               {"channel.get_by_code", ByCodeCall, legacy, (*DingTalk).getByCode},
	"POST /v1.0/oauth2/userAccessToken":           {"v1.userAccessToken", UserTokenCall, v1, (*DingTalk).userAccessToken},
	"GET /v1.0/contact/users/me":                  {"v1.users_me", MeCall, v1, (*DingTalk).me},
}

// unified is POST /v1.0/oauth2/<corpid>/token, which names the organisation in its path.
var unified = endpoint{"v1.unified", UnifiedCall, v1, (*DingTalk).v1Unified}

// endpointOf finds the endpoint of a request.
func endpointOf(r *http.Request) (e endpoint, known bool) {
	if e, known = endpoints[r.Method+" "+r.URL.Path]; known {
		return e, true
	}
	return unified, r.Method == http.MethodPost && unifiedCorp(r.URL.Path) != ""
}

// maxRequestBody is far more than any of the calls needs, in bytes.
const maxRequestBody = 64 << 10

// ServeHTTP answers one call of the server API, by the fault that is set for its kind, or rightly.
func (d *DingTalk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/oauth2/auth" {
		d.serveAuth(w, r)
		return
	}
	e, known := endpointOf(r)
	if !known {
		d.count("unknown", "")
		unknownPath.write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		http.Error(w, "request body too large or cut off", http.StatusBadRequest)
		return
	}
	q := request{r.URL.Path, r.URL.Query(), r.Header, body}
	d.count(d.nameOf(e, q), d.callerOf(q))

	right := func() reply { return e.answer(d, q) }
	if e.call.aboutUsers() && !d.within(e.name) {
		situations["rate"].befall(exchange{w: w, r: r, family: e.family, appKey: d.options.AppKey, right: right})
		return
	}
	if fault := d.faultOf(e.call); fault.befall != nil {
		fault.befall(exchange{w: w, r: r, family: e.family, appKey: d.options.AppKey, right: right})
		return
	}
	right().write(w)
}

// nameOf is the endpoint's name, with the two logins of /gettoken told apart.
func (d *DingTalk) nameOf(e endpoint, q request) string {
	if e.name == "oapi.token" && q.query.Has("corpid") {
		return "corp.token"
	}
	return e.name
}

func (d *DingTalk) count(name, corp string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[name]++
	if corp == "" {
		return
	}
	if d.callsFor[corp] == nil {
		d.callsFor[corp] = make(map[string]int)
	}
	d.callsFor[corp][name]++
}

// Calls returns how often each call was made, faults included: v1.token, v1.ticket, oapi.token (app key),
// corp.token (the older login), oapi.ticket, channel.token, channel.ticket, robot.send, those of suites and about users as
// the table of endpoints names them, and unknown for other paths.
func (d *DingTalk) Calls() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.calls)
}

// Reset sets the counts to zero and switches all faults off. Tokens and tickets live on.
func (d *DingTalk) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.calls)
	clear(d.callsFor)
	clear(d.faults)
	clear(d.recent)
	d.user, d.approve = d.options.User, ""
}

// SetFault lets fault befall every call of that kind from now on; the zero Fault ends it.
func (d *DingTalk) SetFault(call Call, fault Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[call] = fault
}

// Fault returns what currently befalls calls of that kind.
func (d *DingTalk) Fault(call Call) Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults[call]
}

// faultOf is what befalls a call: what is set for it, else for all that give a token.
func (d *DingTalk) faultOf(call Call) Fault {
	fault := d.Fault(call)
	if fault.befall == nil && (call == CorpTokenCall || call == GetTokenCall || call == UnifiedCall) {
		fault = d.Fault(TokenCall)
	}
	return fault
}

// aboutUsers tells whether Options.Rate counts for a call.
func (c Call) aboutUsers() bool {
	return !slices.Contains([]Call{TokenCall, TicketCall, CorpTokenCall, GetTokenCall, UnifiedCall, AuthInfoCall, RobotCall}, c)
}

// Ticket returns the first organisation's living ticket of that kind, or "" while there is none. It neither
// fetches nor prolongs.
func (d *DingTalk) Ticket(kind Kind) string { return d.org.livingTicket(d.first().of(kind)) }

// Tickets returns all living tickets of the first organisation.
func (d *DingTalk) Tickets() map[Kind]string {
	living := make(map[Kind]string)
	for _, kind := range []Kind{App, Corp, Channel} {
		if ticket := d.Ticket(kind); ticket != "" {
			living[kind] = ticket
		}
	}
	return living
}

// ExpireTicket kills all living tickets behind everybody's back, as a second system's fetch does.
func (d *DingTalk) ExpireTicket() { d.org.killTickets(everybody) }

// ExpireToken kills all living access tokens behind everybody's back.
func (d *DingTalk) ExpireToken() { d.org.killTokens(everybody) }

// Issued returns every token and ticket ever handed out. None of them may show up in a log or a page.
func (d *DingTalk) Issued() []string { return d.org.everIssued() }

// Hold puts the client app into somebody's hands: codes of the native bridge are theirs.
func (d *DingTalk) Hold(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user = user
}

// Approve lets the OAuth2 page approve as that user without asking; "refuse" refuses, and
// "" asks.
func (d *DingTalk) Approve(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.approve = user
}
