package endpoint

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// bodyWait is how long a body may take to arrive. All of a report fits in a few
// packets, and whoever announces one and sends none holds a connection.
const bodyWait = 5 * time.Second

// awaitBody gives the body of a request its time. It also counts for a body that
// nobody reads, which net/http drains before it answers. Where the writer cannot set
// a deadline, Caddy's own timeouts count (servers, timeouts). Nobody has to restore
// the deadline: net/http lifts it when a body has ended, and sets its own for the next
// request.
func awaitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWait))
	}
}

// readBody reads a body of at most limit bytes. One that is announced as longer is
// not asked for: reading would answer "Expect: 100-continue".
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
}

// The sizes of reports, in bytes.
const (
	maxReport  = 4 << 10  // of a report without its URLs
	maxOutcome = 16 << 10 // of what the doctor page says: DingTalk's refusal in full quotes the URL
	maxURLs    = 16 << 10 // of the URLs in either: browsers and servers take about 8 000 bytes for one
)

// readReport reads what a page reports, which has at most limit bytes without its
// URLs, into rep. It reports false if it has refused that.
func readReport(w http.ResponseWriter, r *http.Request, limit int, rep interface{ lenURLs() int }) (ok bool) {
	body, err := readBody(w, r, int64(limit+maxURLs))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
	case errors.Is(err, os.ErrDeadlineExceeded):
		writeError(w, r, http.StatusRequestTimeout, codeBadReport, doctor.LateReport(bodyWait.String()))
		return false
	case err != nil || json.Unmarshal(body, rep) != nil || !strings.HasPrefix(strings.TrimSpace(string(body)), "{"):
		writeError(w, r, http.StatusBadRequest, codeBadReport, doctor.BrokenReport)
		return false
	case len(body)-rep.lenURLs() <= limit:
		return true
	}
	writeError(w, r, http.StatusRequestEntityTooLarge, codeTooLarge, doctor.LongReport(limit, maxURLs))
	return false
}
