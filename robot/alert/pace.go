package alert

import "time"

// DingTalk takes 20 messages a minute from a robot. What leaves here within a
// minute may arrive within a little less, hence the slack.
const (
	maxTries = 20
	window   = time.Minute + 2*time.Second
	silence  = 10 * time.Minute
)

// pace keeps the tries of one process within the limit.
type pace struct {
	tries  []time.Time // those of the last window, oldest first
	silent time.Time   // until when DingTalk wants to hear nothing
}

// wait returns how long the next try has to wait.
func (p *pace) wait(now time.Time) time.Duration {
	for len(p.tries) > 0 && now.Sub(p.tries[0]) >= window {
		p.tries = p.tries[1:]
	}
	wait := max(p.silent.Sub(now), 0)
	if len(p.tries) >= maxTries {
		wait = max(wait, p.tries[0].Add(window).Sub(now))
	}
	return wait
}

func (p *pace) tried(now time.Time) { p.tries = append(p.tries, now) }
