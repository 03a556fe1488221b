package alert

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// messagesTotal outlives a reload, while Caddy makes a new registry for each
// configuration.
var messagesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy", Subsystem: "dingtalk", Name: "robot_messages_total",
	Help: "Robot messages by result: sent, why not, merged (told by a digest, which counts by itself), overflow (told by number only).",
}, []string{"result"})

const (
	resultSent     = "sent"
	resultMerged   = "merged"
	resultOverflow = "overflow"
)

// All results begin at zero: what is not there yet cannot be alerted on.
func init() {
	for _, result := range []string{resultSent, resultMerged, resultOverflow} {
		count(result, 0)
	}
	for _, kind := range []robot.Kind{
		robot.Busy, robot.Network, robot.Throttled, robot.Security, robot.Config, robot.Invalid, robot.Unknown,
	} {
		count(string(kind), 0)
	}
}

func count(result string, n int) { messagesTotal.WithLabelValues(result).Add(float64(n)) }

func registerMetrics(registry prometheus.Registerer) error {
	var already prometheus.AlreadyRegisteredError
	if err := registry.Register(messagesTotal); err != nil && !errors.As(err, &already) {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}
