package suite

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// suiteTicket is the suite_ticket as the fleet keeps it. DingTalk pushes another one about
// every five hours, which ends the one before; it has no lifetime of its own.
type suiteTicket struct {
	Value    string    `json:"value"`
	Time     int64     `json:"time"`     // of the event, ms
	Received time.Time `json:"received"` // by this fleet
}

// newer reports whether it replaces another one.
func (t suiteTicket) newer(other suiteTicket) bool {
	return t.Time > other.Time || t.Time == other.Time && t.Value > other.Value
}

// tickets is the place of the suite_ticket.
type tickets struct {
	store *store
	key   string
	fixed bool // it stands in the configuration

	mu      sync.Mutex
	current suiteTicket
	refused string    // the value that DingTalk refused last
	unsaved bool      // the storage has not taken it
	looked  time.Time // when the storage was last read for want of one
}

// lookTime is how often the storage is read for want of a usable ticket, besides the
// regular reading: each page of each corp may ask.
const lookTime = 2 * time.Second

// usable returns the ticket, "" if there is none that DingTalk would take.
func (t *tickets) usable(ctx context.Context) string {
	t.mu.Lock()
	value, refused := t.current.Value, t.current.Value == t.refused
	look := (value == "" || refused) && time.Since(t.looked) >= lookTime
	if look {
		t.looked = time.Now()
	}
	t.mu.Unlock()
	if look {
		_, _ = t.read(ctx)
		t.mu.Lock()
		value, refused = t.current.Value, t.current.Value == t.refused
		t.mu.Unlock()
	}
	if refused && !t.fixed {
		return ""
	}
	return value
}

// get returns the ticket, whatever DingTalk says of it.
func (t *tickets) get() suiteTicket {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

// refuse notes that DingTalk has refused a value.
func (t *tickets) refuse(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = value
}

// read reads the storage, and reports whether it has a newer one.
func (t *tickets) read(ctx context.Context) (isNew bool, err error) {
	var stored suiteTicket
	if err := t.store.load(ctx, t.key, &stored); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	if !usableTicket(stored.Value) {
		return false, errRecord
	}
	return t.keep(stored), nil
}

// keep keeps a ticket if it is newer than the one that is kept.
func (t *tickets) keep(other suiteTicket) (isNew bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	isNew = !t.fixed && other.newer(t.current)
	if isNew {
		t.current = other
	}
	return isNew
}

// save makes the ticket the one of the fleet, unless there is a newer one by now, and
// announces it.
func (t *tickets) save(ctx context.Context, announce func() error) error {
	err := t.write(ctx, announce)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unsaved = err != nil
	return err
}

func (t *tickets) write(ctx context.Context, announce func() error) error {
	var stored suiteTicket
	err := t.store.load(ctx, t.key, &stored)
	switch {
	case err == nil && usableTicket(stored.Value):
		t.keep(stored)
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errRecord):
		return err
	}
	current := t.get()
	if current.Value == stored.Value && current.Time == stored.Time {
		return nil
	}
	if err := t.store.save(ctx, t.key, current); err != nil {
		return err
	}
	return announce()
}

func (t *tickets) isSaved() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.unsaved
}

// fix makes the value of the configuration the ticket, to which no other is pushed.
func (t *tickets) fix(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fixed, t.current = true, suiteTicket{Value: value}
}
