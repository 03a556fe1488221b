package observe

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var callbacksTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy", Subsystem: "dingtalk", Name: "callbacks_total",
	Help: "What DingTalk has pushed to the callbacks of third-party apps by event and result: ok, ignored, or why it was refused.",
}, []string{"event", "result"})

// CountCallback counts an event that DingTalk has pushed. Its name is one of a few.
func CountCallback(event, result string) { callbacksTotal.WithLabelValues(event, result).Inc() }

// BeginCallbacks lets the counts of an event begin at zero: what is not there yet cannot be
// alerted on.
func BeginCallbacks(event string, results ...string) {
	for _, result := range results {
		callbacksTotal.WithLabelValues(event, result)
	}
}

// SuiteStatus is how a third-party app stands in this process. It holds no value of a
// ticket or token.
type SuiteStatus struct {
	App      string             `json:"app"` // its name in the storage: dingtalk/<app>/…
	SuiteKey string             `json:"suite_key"`
	Ticket   *SuiteTicketStatus `json:"suite_ticket"` // null if there is none
	Corps    CorpsStatus        `json:"corps"`
	Error    *string            `json:"error"` // why the storage cannot be read; null if it can
	Login    *LoginStatus       `json:"login,omitempty"`
}

// SuiteTicketStatus is how old the suite_ticket is.
type SuiteTicketStatus struct {
	Received time.Time `json:"received"`
	Age      int       `json:"age_seconds"`
}

// CorpsStatus is how many corps this process knows.
type CorpsStatus struct {
	Authorized int `json:"authorized"`
	Revoked    int `json:"revoked"`
	Held       int `json:"held"` // with a jsapi_ticket
}

// Suite is a third-party app, as the admin API and the metrics see it.
type Suite interface {
	// Name is the suite's in the storage.
	Name() string
	// HasTicket tells whether there is a suite_ticket, pushed or in the configuration.
	HasTicket() bool
	// Ticket is how old its suite_ticket is, nil if none has been received.
	Ticket() *SuiteTicketStatus
	Status() SuiteStatus
}

// suiteApps are the third-party apps in use, each once.
var suiteApps suiteRegister

type suiteRegister struct {
	mu  sync.Mutex
	all map[Suite]int
}

// RunSuite makes a third-party app visible in the admin API and the metrics, until stop is
// called. The same one may run several times.
func RunSuite(s Suite) (stop func()) {
	suiteApps.mu.Lock()
	defer suiteApps.mu.Unlock()
	if suiteApps.all == nil {
		suiteApps.all = make(map[Suite]int)
	}
	suiteApps.all[s]++
	return func() {
		suiteApps.mu.Lock()
		defer suiteApps.mu.Unlock()
		if suiteApps.all[s]--; suiteApps.all[s] == 0 {
			delete(suiteApps.all, s)
		}
	}
}

// statuses returns how the third-party apps in use stand, in the order of their names.
func (r *suiteRegister) statuses() []SuiteStatus {
	all := make([]SuiteStatus, 0, 1) // never null
	for _, s := range r.running() {
		status := s.Status()
		status.Login = logins.status(status.App)
		all = append(all, status)
	}
	slices.SortFunc(all, func(a, b SuiteStatus) int { return strings.Compare(a.App, b.App) })
	return all
}

func (r *suiteRegister) running() []Suite {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.all))
}

// tickets returns the suite_tickets of the apps in use by their names, nil where one has
// none. Two configurations of an app, as while one takes over from another, count as one.
func (r *suiteRegister) tickets() map[string]*suiteTicket {
	all := make(map[string]*suiteTicket)
	for _, s := range r.running() {
		name := s.Name()
		if all[name] == nil {
			all[name] = new(suiteTicket)
		}
		all[name].held = all[name].held || s.HasTicket()
		if t := s.Ticket(); t != nil {
			all[name].age = &t.Age
		}
	}
	return all
}

// suiteTicket is how the suite_ticket of an app stands.
type suiteTicket struct {
	held bool
	age  *int // in seconds, nil where none was received
}

// ticketCollector reads the suite_tickets of the third-party apps in use when it is asked.
type ticketCollector struct{ held, age *prometheus.Desc }

var suiteTickets = ticketCollector{
	held: prometheus.NewDesc("caddy_dingtalk_suite_ticket_held",
		"Whether there is a suite_ticket of a third-party app, 0 or 1. Without one no page of its corps can be signed. The app is the last part of its name in /dingtalk/status.",
		[]string{"app"}, nil),
	age: prometheus.NewDesc("caddy_dingtalk_suite_ticket_age_seconds",
		"Seconds since the suite_ticket of a third-party app was received; there is none where none was. The app is the last part of its name in /dingtalk/status.",
		[]string{"app"}, nil),
}

func (c ticketCollector) Describe(to chan<- *prometheus.Desc) { to <- c.held; to <- c.age }

func (c ticketCollector) Collect(to chan<- prometheus.Metric) {
	for app, ticket := range suiteApps.tickets() {
		held := 0.0
		if ticket.held {
			held = 1
		}
		to <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, held, idOf(app))
		if ticket.age != nil {
			to <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, float64(*ticket.age), idOf(app))
		}
	}
}
