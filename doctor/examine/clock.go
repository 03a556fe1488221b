package examine

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// smallSkew is no reason to worry: DingTalk documents no window for the timeStamp
// of a signature, and its Date counts whole seconds.
const smallSkew = time.Minute

// clock compares this machine's clock with DingTalk's.
func (w way) clock(ctx context.Context) Check {
	const name = "clock"
	ctx, cancel := context.WithTimeout(ctx, networkTime)
	defer cancel()
	ahead, err := oapi.Ahead(ctx, w.base)
	if err != nil {
		return unchecked(name, "no answer: "+err.Error())
	}
	return clockCheck(ahead)
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
	const advice = "Set the clock by NTP (timedatectl set-ntp true, or chrony): the timeStamp of each signature and the times of sessions come from it."
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
