package alert

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/robot"
)

// retries are the waits before a message is tried again.
var retries = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

// sender makes the tries of one queue, one after the other.
type sender struct {
	queue   *queue
	fleet   fleet
	pace    pace
	lastTry time.Time
	state   state
	ending  endings
}

// next is when a message may be sent.
func (s *sender) next(every time.Duration) time.Time {
	next := s.lastTry.Add(every)
	if s.pace.silent.After(next) {
		return s.pace.silent
	}
	return next
}

// reserve waits until one more try keeps within the limit, here and in the fleet.
// It returns false at the queue's end.
func (s *sender) reserve() bool {
	for !s.queue.stopped() {
		wait := s.pace.wait(time.Now())
		if wait == 0 {
			wait = s.fleet.reserve(s.queue.ctx, s.queue.storage(), time.Now())
		}
		if wait == 0 {
			return !s.queue.stopped()
		}
		s.queue.sleep(wait)
	}
	return false
}

// deliver sends a batch, with retries. The first try has been reserved.
func (s *sender) deliver(b *batch) {
	b.compose(s.queue.newest().hostname)
	for tried := 0; ; tried++ {
		err := s.try(context.Background(), b)
		if err == nil {
			s.sent(b)
			return
		}
		wait, again := s.failed(err, b, tried)
		if !again {
			return
		}
		if !s.queue.sleep(wait) || !s.reserve() {
			s.queue.putBack(b)
			return
		}
	}
}

// try makes one try.
func (s *sender) try(ctx context.Context, b *batch) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.ending.flight(cancel)()
	now := time.Now()
	s.lastTry = now
	s.pace.tried(now)
	return b.robot().Send(ctx, b.message)
}

func (s *sender) sent(b *batch) {
	count(resultSent, 1)
	count(resultMerged, b.merged())
	s.state.end(s.queue.newest().logger)
}

// failed decides what becomes of a batch after a try that failed. Either it is
// tried again after a while, or it has been dropped or put back.
func (s *sender) failed(err error, b *batch, tried int) (wait time.Duration, again bool) {
	h := s.queue.newest()
	kind, code, advice := robot.Invalid, "", doctor.Say("This is a defect of the digest: please report it.", "这是汇总消息的缺陷：请报告给我们")
	temporary := false
	if failure, ok := errors.AsType[*robot.SendError](err); ok {
		kind, code, advice, temporary = failure.Kind, failure.Code, doctor.Advice(failure), failure.Temporary()
	}
	if s.state.begin(h.logger, kind, code, advice, err) {
		h.emitFailed(string(kind), code, advice)
	}
	switch {
	case s.queue.stopped() && temporary:
		s.queue.putBack(b) // the last digest tries once more
		return 0, false
	case temporary && tried < len(retries):
		return retries[tried], true
	case code == "300005" && tried == 0: // seen to come and go
		return retries[0], true
	case kind == robot.Throttled:
		count(string(kind), 1)
		now := time.Now()
		s.pace.silent = now.Add(silence)
		s.fleet.hush(h.storage, now, s.pace.silent)
		s.queue.putBack(b)
		return 0, false
	}
	s.drop(kind, b)
	return 0, false
}

func (s *sender) drop(kind robot.Kind, b *batch) {
	count(string(kind), 1)
	count(resultMerged, b.merged())
	s.state.lost += b.messages()
}

// finish sends the rest at the queue's end, in one try.
func (s *sender) finish(b *batch) {
	h := s.queue.newest()
	if b != nil {
		ctx, cancel := s.ending.rest()
		defer cancel()
		b.compose(h.hostname)
		if s.mayEnd(ctx) {
			if err := s.try(ctx, b); err == nil {
				s.sent(b)
			} else if failure, ok := errors.AsType[*robot.SendError](err); ok {
				s.state.begin(h.logger, failure.Kind, failure.Code, doctor.Advice(failure), err)
				s.drop(failure.Kind, b)
			}
		} else {
			s.drop(robot.Throttled, b)
		}
	}
	if s.state.lost > 0 {
		h.logger.Warn("ending with robot messages that were not sent", zap.Int("lost", s.state.lost))
	}
}

// mayEnd reports whether one more try keeps within the limit, here and in the fleet.
// It does not wait for the limit, and hardly for the storage.
func (s *sender) mayEnd(ctx context.Context) bool {
	now := time.Now()
	if s.pace.wait(now) > 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lastTime)
	defer cancel()
	return s.fleet.reserve(ctx, s.queue.storage(), now) == 0
}

// state is how sending goes: logged once when it changes, and with its end.
type state struct {
	kind  robot.Kind // "" while all is well
	code  string
	since time.Time
	lost  int // messages
}

// begin notes a failure, and reports whether it is a new one.
func (s *state) begin(logger *zap.Logger, kind robot.Kind, code string, advice doctor.Text, err error) bool {
	if s.kind == kind && s.code == code {
		return false
	}
	if s.kind == "" {
		s.since = time.Now()
	}
	s.kind, s.code = kind, code
	logger.Error("robot messages are not taken",
		zap.String("kind", string(kind)), zap.String("code", code), zap.Error(err),
		zap.String("advice", advice.EN), zap.String("advice_zh", advice.ZH))
	return true
}

// end notes a success.
func (s *state) end(logger *zap.Logger) {
	if s.kind != "" {
		logger.Info("robot messages are taken again",
			zap.String("after", string(s.kind)), zap.Duration("failed_for", time.Since(s.since)), zap.Int("lost", s.lost))
	}
	*s = state{}
}
