package login

import (
	"context"
	"fmt"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// fleets outlives a reload of the configuration: what was revoked stays so while the
// storage cannot be read.
var fleets = caddy.NewUsagePool()

// fleet are the revocations of one app, and what keeps reading them.
type fleet struct {
	*Revocations
	log *zap.Logger

	once  sync.Once
	life  context.Context
	end   context.CancelFunc
	ended chan struct{}
}

// openFleet returns the revocations of the app with that name. release must be called once.
func openFleet(name string, log *zap.Logger) (f *fleet, release func(), err error) {
	value, _, err := fleets.LoadOrNew(name, func() (caddy.Destructor, error) {
		life, end := context.WithCancel(context.Background())
		return &fleet{Revocations: NewRevocations(name, nil), log: log, life: life, end: end, ended: make(chan struct{})}, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("opening revocations: %w", err)
	}
	return value.(*fleet), func() { _, _ = fleets.Delete(name) }, nil
}

// use reads that storage from now on.
func (f *fleet) use(storage Storage) {
	f.setStorage(storage)
	f.once.Do(func() {
		go func() {
			defer close(f.ended)
			f.Run(f.life, f.report)
		}()
	})
}

// report logs once that the storage fails, and once that it works again.
func (f *fleet) report(err error) {
	if err == nil {
		f.log.Info("revoked sessions are shared through the storage again")
		return
	}
	f.log.Error("revoked sessions cannot be shared through the storage: what is known here holds, but the processes do not hear of each other's. "+
		"Check the storage and this machine's access to it", zap.Error(err))
}

// Destruct ends the reading.
func (f *fleet) Destruct() error {
	f.end()
	f.once.Do(func() { close(f.ended) })
	<-f.ended
	return nil
}
