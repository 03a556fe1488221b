package observe

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// The metrics of the process. They outlive a reload, while Caddy makes a new
// registry for each configuration. No label holds what a visitor, a key or a URL
// could fill.
var (
	pagesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "pages_total",
		Help: "HTML pages by outcome: signed, or the reason why not.",
	}, []string{"outcome"})
	callsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "token_calls_total",
		Help: "Calls of DingTalk's API by kind and outcome: ok, or what sort of failure.",
	}, []string{"kind", "outcome"})
	reportsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "caddy", Subsystem: "dingtalk", Name: "reports_total",
		Help: "Reports of pages whose dd.config failed or whose URL differs, by verdict.",
	}, []string{"verdict"})
	expiry = expiryCollector{prometheus.NewDesc("caddy_dingtalk_ticket_expires_seconds",
		"Seconds until the jsapi_ticket of an app expires, 0 if there is none. The app is the last part of its name in /dingtalk/status.",
		[]string{"app"}, nil)}
)

// outcomeSigned is the outcome of pages that are as they should be.
const outcomeSigned = "signed"

// CodeNoTicket is the code of an error: there is no jsapi_ticket to sign with.
const CodeNoTicket = "ticket_unavailable"

// Verdict is what a report of a page turned out to be.
type Verdict string

// The verdicts on reports.
const (
	VerdictUnsigned Verdict = "unsigned"
	VerdictMismatch Verdict = "url_mismatch"
	VerdictRefused  Verdict = "refused"
	VerdictError    Verdict = "error"
	VerdictHealed   Verdict = "healed"
)

// All outcomes and verdicts begin at zero: what is not there yet cannot be alerted on.
func init() {
	for _, outcome := range []string{outcomeSigned, CodeNoTicket, signer.CodeOriginUnknown, signer.CodeBadURL, CodeTenantUnknown, CodeTenantAmbiguous} {
		pagesTotal.WithLabelValues(outcome)
	}
	for why := range passed {
		pagesTotal.WithLabelValues(string(why))
	}
	for _, verdict := range []Verdict{VerdictUnsigned, VerdictMismatch, VerdictRefused, VerdictError, VerdictHealed} {
		reportsTotal.WithLabelValues(string(verdict))
	}
}

// signedPages spares the signed ones the look-up of their label.
var signedPages = pagesTotal.WithLabelValues(outcomeSigned)

// CountPage counts a page by whether, or why not, it is signed.
func CountPage(p client.Page) {
	if p.Err == nil {
		signedPages.Inc()
		return
	}
	pagesTotal.WithLabelValues(p.Err.Code).Inc()
}

// CountReport counts a report of a page.
func CountReport(v Verdict) { reportsTotal.WithLabelValues(string(v)).Inc() }

// countCall counts a call of DingTalk's API.
func countCall(kind string, err error) {
	outcome := "ok"
	if err != nil {
		outcome = oapi.KindOf(err).String()
	}
	callsTotal.WithLabelValues(kind, outcome).Inc()
}

// RegisterMetrics makes the metrics of the process part of a configuration's.
func RegisterMetrics(registry prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{pagesTotal, callsTotal, reportsTotal, loginsTotal, loginRequestsTotal, tenantPagesTotal, tenantsHeld, expiry, callbacksTotal, suiteTickets} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// expiryCollector reads the tickets of the apps in use when it is asked.
type expiryCollector struct{ desc *prometheus.Desc }

func (c expiryCollector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

func (c expiryCollector) Collect(to chan<- prometheus.Metric) {
	for _, app := range running.apps() {
		left := 0.0
		if ticket := app.Tokens.Status().Ticket; ticket != nil {
			left = max(time.Until(ticket.Expires).Seconds(), 0)
		}
		to <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, left, app.id())
	}
}
