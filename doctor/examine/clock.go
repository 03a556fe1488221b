package examine

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// smallSkew is no reason to worry: DingTalk documents no window for the timeStamp
// of a signature, and its Date counts whole seconds.
const smallSkew = time.Minute

// probe asks for nothing in particular: any answer of DingTalk tells the time. It
// follows no redirect and carries no credential.
var probe http.RoundTripper = &http.Transport{
	Proxy:               http.ProxyFromEnvironment,
	TLSHandshakeTimeout: networkTime,
	DisableKeepAlives:   true,
}

// clock compares this machine's clock with DingTalk's.
func (w way) clock(ctx context.Context) Check {
	const name = "clock"
	ctx, cancel := context.WithTimeout(ctx, networkTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base, nil)
	if err != nil {
		return unchecked(name, w.setting+" is no URL")
	}
	start := time.Now()
	resp, err := probe.RoundTrip(req)
	if err != nil {
		return unchecked(name, "no answer: "+err.Error())
	}
	resp.Body.Close()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return unchecked(name, "the answer has no date")
	}
	// The answer was dated on its way, somewhere within a second.
	ours := start.Add(time.Since(start) / 2)
	return clockCheck(ours.Sub(theirs.Add(500 * time.Millisecond)))
}

// clockCheck judges by how much our clock is ahead.
func clockCheck(ahead time.Duration) Check {
	const name = "clock"
	direction := "ahead of"
	if ahead < 0 {
		ahead, direction = -ahead, "behind"
	}
	ahead = ahead.Round(time.Second)
	message := fmt.Sprintf("this machine's clock is %s %s DingTalk's", ahead, direction)
	const advice = "Set the clock by NTP (timedatectl set-ntp true, or chrony): the timeStamp of each signature comes from it."
	switch {
	case ahead == 0:
		return good(name, "this machine's clock agrees with DingTalk's")
	case ahead > tokens.MaxSkew:
		return bad(name, message, advice+"\nMore than 10 minutes apart, servers no longer take each other's tickets from the storage.")
	case ahead > smallSkew:
		return warn(name, message, advice)
	}
	return good(name, message)
}
