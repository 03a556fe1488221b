package suite

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// journal is how the processes of a fleet hear of each other's news: one short record of
// what changed last, which each reads every few seconds. So no page has to read the
// storage to learn that nothing has happened.
type journal struct {
	store *store
	key   string

	mu   sync.Mutex
	seen []change             // as it was last read
	mine map[change]time.Time // what this process has announced of late

	writing sync.Mutex
}

// mineTime is for how long a process makes sure that what it has announced stands there:
// locks are advice, and others may have written at the same time.
const mineTime = 25 * time.Second

// change says that the record of a corp has changed, or, without one, the suite_ticket.
type change struct {
	Corp string `json:"corp,omitempty"`
	ID   string `json:"id"` // its own
}

// maxChanges is how many are kept, the latest last. Who finds that he has missed some
// takes it that anything may have changed.
const maxChanges = 256

// read returns the changes since the last reading, and whether there may have been
// others.
func (j *journal) read(ctx context.Context) (news []change, missed bool, err error) {
	all, err := j.load(ctx)
	if err != nil {
		return nil, false, err
	}
	all = j.restore(ctx, all)
	j.mu.Lock()
	defer j.mu.Unlock()
	known := make(map[change]bool, len(j.seen))
	for _, c := range j.seen {
		known[c] = true
	}
	overlap := false
	for _, c := range all {
		if known[c] {
			overlap = true
		} else {
			news = append(news, c)
		}
	}
	missed = len(j.seen) > 0 && !overlap
	j.seen = all
	return news, missed, nil
}

// forget makes a change one that is read again.
func (j *journal) forget(c change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := make([]change, 0, len(j.seen))
	for _, other := range j.seen {
		if other != c {
			kept = append(kept, other)
		}
	}
	j.seen = kept
}

// restore adds what this process has announced and somebody else has written over.
func (j *journal) restore(ctx context.Context, all []change) []change {
	j.mu.Lock()
	var lost []change
	for c, at := range j.mine {
		switch {
		case time.Since(at) > mineTime:
			delete(j.mine, c)
		case !slices.Contains(all, c):
			lost = append(lost, c)
		}
	}
	j.mu.Unlock()
	if len(lost) == 0 {
		return all
	}
	all = append(all, lost...)
	all = all[max(0, len(all)-maxChanges):]
	_ = j.store.save(ctx, j.key, all) // else the next reading does it
	return all
}

// recent returns what this process has announced of late: the records of these may have
// been written over, too.
func (j *journal) recent() (corps []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for c := range j.mine {
		corps = append(corps, c.Corp)
	}
	return corps
}

// announce tells the fleet of a change.
func (j *journal) announce(ctx context.Context, corp string) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	all, err := j.load(ctx)
	if err != nil && !errors.Is(err, errRecord) {
		return err
	}
	c := change{Corp: corp, ID: rand.Text()[:10]}
	all = append(all, c)
	if err := j.store.save(ctx, j.key, all[max(0, len(all)-maxChanges):]); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mine == nil {
		j.mine = make(map[change]time.Time)
	}
	j.mine[c] = time.Now()
	return nil
}

func (j *journal) load(ctx context.Context) (all []change, err error) {
	if err := j.store.load(ctx, j.key, &all); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return all, nil
}
