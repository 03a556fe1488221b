package tokens

import (
	"time"

	"go.uber.org/zap"
)

// Warm gets the ticket before the first page asks for it, so that a wrong secret or an
// address that is not listed shows when a program starts, and logs the one line that
// says how it went. It makes no call where the process has a ticket, or knows why it
// has none, since before a reload of the configuration. It returns when it is known.
func (a *App) Warm() {
	now := time.Now()
	if a.means().life.Err() != nil || a.ticket.get().valid(now) {
		return
	}
	if _, err := a.state.trouble(now); err != nil {
		return
	}
	if result := <-a.renew(); result.Err == nil { // else the failure is logged
		a.means().log.Info("there is a jsapi_ticket, pages can be signed", zap.Time("expires", result.Val.(*Token).Expires))
	}
}
