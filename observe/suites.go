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

// SuiteStatus is how a third-party app stands in this process. It holds no value of a
// ticket or token.
type SuiteStatus struct {
	App      string             `json:"app"` // its name in the storage: dingtalk/<app>/…
	SuiteKey string             `json:"suite_key"`
	Ticket   *SuiteTicketStatus `json:"suite_ticket"` // null if there is none
	Corps    CorpsStatus        `json:"corps"`
	Error    *string            `json:"error"` // why the storage cannot be read; null if it can
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
type Suite interface{ Status() SuiteStatus }

// suites are those in use, each once.
var suites suiteRegister

type suiteRegister struct {
	mu  sync.Mutex
	all map[Suite]int
}

// RunSuite makes a third-party app visible in the admin API and the metrics, until stop is
// called. The same one may run several times.
func RunSuite(s Suite) (stop func()) {
	suites.mu.Lock()
	defer suites.mu.Unlock()
	if suites.all == nil {
		suites.all = make(map[Suite]int)
	}
	suites.all[s]++
	return func() {
		suites.mu.Lock()
		defer suites.mu.Unlock()
		if suites.all[s]--; suites.all[s] == 0 {
			delete(suites.all, s)
		}
	}
}

// statuses returns how the third-party apps in use stand, in the order of their names.
func (r *suiteRegister) statuses() []SuiteStatus {
	r.mu.Lock()
	running := slices.Collect(maps.Keys(r.all))
	r.mu.Unlock()
	all := make([]SuiteStatus, 0, len(running)) // never null
	for _, s := range running {
		all = append(all, s.Status())
	}
	slices.SortFunc(all, func(a, b SuiteStatus) int { return strings.Compare(a.App, b.App) })
	return all
}

// suiteCollector reads the suites in use when it is asked.
type suiteCollector struct{ age, held *prometheus.Desc }

var suiteGauges = suiteCollector{
	age: prometheus.NewDesc("caddy_dingtalk_suite_ticket_age_seconds",
		"Seconds since the suite_ticket of a third-party app was received; there is none where none was. The app is the last part of its name in /dingtalk/status.",
		[]string{"app"}, nil),
	held: prometheus.NewDesc("caddy_dingtalk_tenants_held", "How many corps of third-party apps are held in memory with a jsapi_ticket.", nil, nil),
}

func (c suiteCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.age
	to <- c.held
}

func (c suiteCollector) Collect(to chan<- prometheus.Metric) {
	held := 0
	for _, s := range suites.statuses() {
		held += s.Corps.Held
		if s.Ticket != nil {
			to <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, float64(s.Ticket.Age), idOf(s.App))
		}
	}
	to <- prometheus.MustNewConstMetric(c.held, prometheus.GaugeValue, float64(held))
}
