package tokens

import (
	"sync"
	"time"
)

// tally counts the tickets of a group that live, to the second, without looking at the
// group: each is counted when it comes, and no longer when it goes or its time has come.
// The zero tally, and a nil one, are ready for use.
type tally struct {
	mu    sync.Mutex
	from  int64         // the first second, in unix time, that is not over
	ends  map[int64]int // how many expire in it and in those to come
	alive int           // the sum of ends
}

// replaced counts a ticket that has come in the place of another one. Either may be nil.
func (t *tally) replaced(old, now *Token) {
	if t == nil || old == now {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(old, -1)
	t.add(now, 1)
}

func (t *tally) add(ticket *Token, n int) {
	if ticket == nil || ticket.Expires.Unix() < t.from {
		return
	}
	if t.ends == nil {
		t.ends = make(map[int64]int)
	}
	end := ticket.Expires.Unix()
	t.alive += n
	if t.ends[end] += n; t.ends[end] == 0 {
		delete(t.ends, end)
	}
}

// count returns how many live. It looks at as many seconds as tickets live, at most.
func (t *tally) count(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.from = max(t.from, now.Unix())
	for end, n := range t.ends {
		if end < t.from {
			t.alive -= n
			delete(t.ends, end)
		}
	}
	return t.alive
}
