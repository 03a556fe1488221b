package tokens

import "time"

// Observer is told how an app fares. It is called by the goroutine that renews
// the ticket, which others wait for: it must not block.
type Observer interface {
	// Called says that a call of DingTalk for an "access_token" or a
	// "jsapi_ticket" has ended.
	Called(kind string, err error)
	// Fetched says that DingTalk has given a ticket.
	Fetched(expires time.Time)
	// Failed says that the app has got into a failure, once a failure; DingTalk
	// is asked again after the delay.
	Failed(err error, delay time.Duration)
}

// The kinds of calls.
const (
	KindAccess = "access_token"
	KindTicket = "jsapi_ticket"
)

type nobody struct{}

func (nobody) Called(string, error)        {}
func (nobody) Fetched(time.Time)           {}
func (nobody) Failed(error, time.Duration) {}
