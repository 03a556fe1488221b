package observe

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
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
		n.Once(why.Code, "a page passes unsigned: "+why.Message, zap.String("host", host), zap.String("advice_zh", why.Chinese))
	}
}

// HostHidden logs that a proxy asks for our own address instead of the browser's host.
func (n *Notices) HostHidden(peer, host string) {
	why := doctor.OwnAddress(peer, host)
	n.Once("own address", why.EN, zap.String("advice_zh", why.ZH))
}

// AtMost logs a warning unless that many of this kind were logged within a
// minute. It reports whether it did.
func (n *Notices) AtMost(limit int, kind, message string, fields ...zap.Field) (logged bool) {
	logged = n.admit(limit, kind, time.Now())
	if logged {
		n.log.Warn(clean(message), cleanFields(fields)...)
	}
	return logged
}

// clean drops from a text what could begin another line, or colour this one, wherever
// it is shown: it may quote what a stranger has sent.
func clean(text string) string { return strings.Map(printable, text) }

func cleanFields(fields []zap.Field) []zap.Field {
	fields = slices.Clone(fields)
	for i := range fields {
		if fields[i].Type == zapcore.StringType {
			fields[i].String = clean(fields[i].String)
		}
	}
	return fields
}

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
