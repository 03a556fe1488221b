package examine

import (
	"context"
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
		return unchecked(name, say("no answer: %v", "没有回答：%v", err))
	}
	return clockCheck(ahead)
}

// clockCheck judges by how much our clock is ahead.
func clockCheck(ahead time.Duration) Check {
	const name = "clock"
	direction := say("ahead of", "快")
	if ahead < 0 {
		ahead, direction = -ahead, say("behind", "慢")
	}
	ahead = ahead.Round(time.Second)
	message := say("this machine's clock is %[1]s %[2]s DingTalk's", "本机时钟比钉钉%[2]s %[1]s", ahead, direction)
	advice := say("Set the clock by NTP (timedatectl set-ntp true, or chrony): the timeStamp of each signature and the times of sessions come from it.",
		"请用 NTP 校准时钟（timedatectl set-ntp true，或 chrony）：签名的 timeStamp 和会话的时间都来自它")
	switch {
	case ahead == 0:
		return good(name, say("this machine's clock agrees with DingTalk's", "本机时钟与钉钉一致"))
	case ahead > tokens.MaxSkew:
		return bad(name, message, say("%s\nMore than 10 minutes apart, servers no longer take each other's tickets from the storage.",
			"%s\n相差超过 10 分钟，服务器之间就不再使用彼此存下的 ticket", advice))
	case ahead > smallSkew:
		return warn(name, message, advice)
	}
	return good(name, message)
}
