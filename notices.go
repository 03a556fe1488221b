package dingtalk

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// notices keeps requests from filling the log: one line a minute of each kind.
type notices struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const noticeInterval = time.Minute

// once logs a warning unless one of this kind was logged within the last minute.
func (n *notices) once(log *zap.Logger, kind, message string, fields ...zap.Field) {
	now := time.Now()
	n.mu.Lock()
	quiet := now.Sub(n.last[kind]) < noticeInterval
	if !quiet {
		if n.last == nil {
			n.last = make(map[string]time.Time)
		}
		n.last[kind] = now
	}
	n.mu.Unlock()
	if !quiet {
		log.Warn(message, fields...)
	}
}
