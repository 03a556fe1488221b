package oapi

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrNoDate says that an answer has no date to compare a clock with.
var ErrNoDate = errors.New("the answer has no date")

// Ahead asks the host of a base for nothing in particular, as any answer tells the time,
// and returns by how much this machine's clock is ahead of it, give or take half a second
// and half of the way. No credential is sent.
func Ahead(ctx context.Context, base string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	if err != nil {
		return 0, errBase
	}
	start := time.Now()
	resp, err := sharedTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, ErrNoDate
	}
	// The answer was dated on its way, somewhere within a second.
	ours := start.Add(time.Since(start) / 2)
	return ours.Sub(theirs.Add(500 * time.Millisecond)), nil
}

// Clock is Ahead of the host that the client calls.
func (c *Client) Clock(ctx context.Context) (time.Duration, error) { return Ahead(ctx, c.o.OAPI) }
