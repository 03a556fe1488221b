package observe

import (
	"strings"
	"sync"
	"time"
	"unicode"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// Notices keep requests from filling the log: so many lines a minute of each
// kind, and no more.
type Notices struct {
	log   *zap.Logger
	mu    sync.Mutex
	kinds map[string]*lines
}

// NewNotices returns notices that are written to the log.
func NewNotices(log *zap.Logger) *Notices {
	return &Notices{log: log, kinds: make(map[string]*lines)}
}

// lines are those of one kind within the minute that began with the first.
type lines struct {
	since time.Time
	count int
}

const noticeInterval = time.Minute

// Once logs a warning unless one of this kind was logged within the last minute.
func (n *Notices) Once(kind, message string, fields ...zap.Field) {
	n.AtMost(1, kind, message, fields...)
}

// Unsigned logs that pages of a host pass unsigned, and why. That there is no ticket
// has been logged where it was asked for.
func (n *Notices) Unsigned(why *client.Error, host string) {
	if why.Code != CodeNoTicket {
		n.Once(why.Code, "a page passes unsigned: "+why.Message, zap.String("host", host))
	}
}

// AtMost logs a warning unless that many of this kind were logged within a
// minute. It reports whether it did.
func (n *Notices) AtMost(limit int, kind, message string, fields ...zap.Field) (logged bool) {
	logged = n.admit(limit, kind, time.Now())
	if logged {
		n.log.Warn(strings.Map(printable, message), fields...)
	}
	return logged
}

// printable drops what could begin another line or colour this one: a message may
// quote what a stranger has sent.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// Admit reports whether fewer than limit of this kind were admitted within the
// last minute.
func (n *Notices) Admit(limit int, kind string) bool { return n.admit(limit, kind, time.Now()) }

func (n *Notices) admit(limit int, kind string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.kinds[kind]
	if l == nil || now.Sub(l.since) >= noticeInterval {
		l = &lines{since: now}
		n.kinds[kind] = l
	}
	l.count++
	return l.count <= limit
}
