// Package sandbox is DingTalk, simulated: the server API of one organisation, the native bridge that its
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
	"sync"
	"time"
)

// Options describes the organisation. The zero value is a complete one.
type Options struct {
	AppKey        string // default: dingsandbox0000001
	AppSecret     string // default: random
	CorpID        string // default: dingsandboxcorp00001
	AgentID       string // default: 1234567890
	CorpSecret    string // the older corpid + corpsecret login; default: random
	ChannelSecret string // the service window's; default: random

	// Refetch says what becomes of a living ticket when it is asked for again. Default: SameValue.
	Refetch Refetch

	// Lifetime is how long tokens and tickets live, announced as expires_in in whole seconds. Default: 2 h.
	Lifetime time.Duration

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
	o.Refetch = cmp.Or(o.Refetch, SameValue)
	o.Lifetime = cmp.Or(o.Lifetime, 2*time.Hour)
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

// DingTalk is the server side of one organisation. As an http.Handler it serves both families of the
// server API on one address, where DingTalk has two hosts: oapi.dingtalk.com and api.dingtalk.com/v1.0.
// It is safe for concurrent use.
type DingTalk struct {
	options Options
	org     *organisation

	group group

	mu     sync.Mutex
	calls  map[string]int
	faults map[Call]Fault
}

// New founds an organisation.
func New(options Options) *DingTalk {
	options = options.withDefaults()
	return &DingTalk{
		options: options,
		org:     newOrganisation(options),
		calls:   make(map[string]int),
		faults:  make(map[Call]Fault),
	}
}

// Options returns the organisation's options with all defaults filled in.
func (d *DingTalk) Options() Options { return d.options }

// Call is a kind of API call that a fault can befall.
type Call string

// The two kinds of calls.
const (
	TokenCall  Call = "token"
	TicketCall Call = "ticket"
)

// endpoint is one call of the server API.
type endpoint struct {
	name   string // as counted by Calls
	call   Call
	family family
	answer func(*DingTalk, request) reply
}

// request is what an endpoint looks at.
type request struct {
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
	"POST /robot/send":                      {"robot.send", RobotCall, legacy, (*DingTalk).robotSend},
}

// maxRequestBody is far more than any of the calls needs, in bytes.
const maxRequestBody = 64 << 10

// ServeHTTP answers one call of the server API, by the fault that is set for its kind, or rightly.
func (d *DingTalk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, known := endpoints[r.Method+" "+r.URL.Path]
	if !known {
		d.count("unknown")
		unknownPath.write(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		http.Error(w, "request body too large or cut off", http.StatusBadRequest)
		return
	}
	q := request{r.URL.Query(), r.Header, body}
	d.count(d.nameOf(e, q))

	right := func() reply { return e.answer(d, q) }
	if fault := d.Fault(e.call); fault.befall != nil {
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

func (d *DingTalk) count(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[name]++
}

// Calls returns how often each call was made, faults included: v1.token, v1.ticket, oapi.token (app key),
// corp.token (the older login), oapi.ticket, channel.token, channel.ticket, robot.send, and unknown for other
// paths.
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
	clear(d.faults)
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

// Ticket returns the living ticket of that kind, or "" while there is none. It neither fetches nor prolongs.
func (d *DingTalk) Ticket(kind Kind) string { return d.org.livingTicket(kind) }

// Tickets returns all living tickets.
func (d *DingTalk) Tickets() map[Kind]string {
	living := make(map[Kind]string)
	for _, kind := range kinds {
		if ticket := d.org.livingTicket(kind); ticket != "" {
			living[kind] = ticket
		}
	}
	return living
}

// ExpireTicket kills all living tickets behind everybody's back, as a second system's fetch does.
func (d *DingTalk) ExpireTicket() { d.org.killTickets() }

// ExpireToken kills all living access tokens behind everybody's back.
func (d *DingTalk) ExpireToken() { d.org.killTokens() }

// Issued returns every token and ticket ever handed out. None of them may show up in a log or a page.
func (d *DingTalk) Issued() []string { return d.org.everIssued() }
