package dingtalk

import (
	"strings"
	"sync"
	"time"
	"unicode"

	"go.uber.org/zap"
)

// notices keeps requests from filling the log: so many lines a minute of each
// kind, and no more.
type notices struct {
	mu    sync.Mutex
	kinds map[string]*lines
}

// lines are those of one kind within the minute that began with the first.
type lines struct {
	since time.Time
	count int
}

const (
	noticeInterval = time.Minute
	// someReports lets whoever changes a proxy and tries again see each try.
	someReports = 5
)

// once logs a warning unless one of this kind was logged within the last minute.
func (n *notices) once(log *zap.Logger, kind, message string, fields ...zap.Field) {
	n.atMost(1, log, kind, message, fields...)
}

// atMost logs a warning unless that many of this kind were logged within a
// minute. It reports whether it did.
func (n *notices) atMost(limit int, log *zap.Logger, kind, message string, fields ...zap.Field) (logged bool) {
	logged = n.admit(limit, kind, time.Now())
	if logged {
		log.Warn(strings.Map(printable, message), fields...)
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

func (n *notices) admit(limit int, kind string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kinds == nil {
		n.kinds = make(map[string]*lines)
	}
	l := n.kinds[kind]
	if l == nil || now.Sub(l.since) >= noticeInterval {
		l = &lines{since: now}
		n.kinds[kind] = l
	}
	l.count++
	return l.count <= limit
}
