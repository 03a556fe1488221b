package doctor

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// watched is a storage that tells when all that was begun in it has ended. Tokens
// are written behind the back of whoever asks for them, and this process must not
// end before a ticket that it has fetched is where the servers look for it.
type watched struct {
	tokens.Storage
	readOnly bool

	mu     sync.Mutex
	locks  int   // held, or waited for
	writes int   // under way
	done   bool  // a ticket was stored, or its lock released
	err    error // of the ticket's write
}

var errReadOnly = errors.New("nothing is written to this storage")

// Store writes unless the storage is only to be read.
func (w *watched) Store(ctx context.Context, key string, value []byte) error {
	if w.readOnly {
		return errReadOnly
	}
	w.change(func() { w.writes++ })
	err := w.Storage.Store(ctx, key, value)
	w.change(func() {
		w.writes--
		if strings.HasSuffix(key, "/jsapi_ticket.json") {
			w.done, w.err = true, err
		}
	})
	return err
}

// Lock locks unless the storage is only to be read: a lock is written, too.
func (w *watched) Lock(ctx context.Context, name string) error {
	if w.readOnly {
		return errReadOnly
	}
	w.change(func() { w.locks++ })
	err := w.Storage.Lock(ctx, name)
	if err != nil {
		w.change(func() { w.locks-- })
	}
	return err
}

// Unlock is what comes after the last write of a renewal that holds the lock.
func (w *watched) Unlock(ctx context.Context, name string) error {
	err := w.Storage.Unlock(ctx, name)
	w.change(func() { w.locks--; w.done = true })
	return err
}

func (w *watched) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// settleTime is more than a write may take.
const settleTime = 12 * time.Second

// settle waits until all that was begun has ended: for a ticket that was fetched,
// until it is stored. It does not heed an interrupted ctx, which would lose the
// ticket. The error says why the ticket is not stored.
func (w *watched) settle(ctx context.Context, fetched bool) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for {
		settled := false
		w.change(func() { settled, err = w.writes == 0 && w.locks == 0 && (w.done || !fetched), w.err })
		if settled {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("the storage did not answer in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
