package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/diagnosis"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

const maxReport = 4 << 10

// report is what a page says about its dd.config.
type report struct {
	URL     string     `json:"url"`    // what the browser shows
	Signed  string     `json:"signed"` // what was signed
	Code    reportCode `json:"code"`
	Message string     `json:"message"`

	// The signature, if the page tells: it shows which ticket was refused.
	TimeStamp string `json:"timeStamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`

	// What the page has tried after an earlier refusal: see heal.
	Tried string `json:"tried"`
}

// reportCode is DingTalk's code, which pages have as a number or as a text.
type reportCode string

func (c *reportCode) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = reportCode(text)
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*c = reportCode(number)
	return nil
}

// refusal reports whether DingTalk refused the signature.
func (r *report) refusal() bool { return diagnosis.Refused(string(r.Code), r.Message) }

// page is what the page says, for a diagnosis.
func (r *report) page() diagnosis.Page {
	return diagnosis.Page{URL: r.URL, Signed: r.Signed, Outcome: diagnosis.Failed, Code: string(r.Code), Message: r.Message}
}

// readReport reads what a page reports into rep. It reports false if it has
// refused that.
func readReport(w http.ResponseWriter, r *http.Request, limit int64, rep any) (ok bool, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return false, writeError(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("a report has at most %d bytes", limit))
	}
	if err != nil || json.Unmarshal(body, rep) != nil || !strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
		return false, writeError(w, http.StatusBadRequest, "bad_report", `a report is JSON: {"url","signed","code","message"}`)
	}
	return true, nil
}

// withoutFragments cuts off what is never signed.
func (r *report) withoutFragments() {
	r.URL, _, _ = strings.Cut(r.URL, "#")
	r.Signed, _, _ = strings.Cut(r.Signed, "#")
}

// serveReport logs what a page reports, with the cure.
func (h *Handler) serveReport(w http.ResponseWriter, r *http.Request, _ caller) error {
	var rep report
	if ok, err := readReport(w, r, maxReport, &rep); !ok {
		return err
	}
	rep.withoutFragments()
	h.logReport(r, rep)
	switch {
	case rep.Signed == "" || rep.URL != rep.Signed:
	case rep.refusal():
		if retry := h.heal(r.Context(), &rep); retry != "" {
			w.Header().Set(retryHeader, retry)
		}
	case rep.Code == codeHealed:
		h.learn(&rep)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ofHeldTicket reports whether a report may be about the ticket that is held: it
// is not where the page is older than the ticket, or was signed by a process that
// has another one. Suspecting ours then would kill it for the whole fleet where
// DingTalk answers each fetch with a new value.
func (h *Handler) ofHeldTicket(rep *report) bool {
	if rep.Signature == "" {
		return true // nobody knows
	}
	held := h.tokens.Held()
	return held != nil && h.signer.Made(rep.made(), held.Value, rep.Signed)
}

// made is the signature that the page had.
func (r *report) made() signer.Signed {
	return signer.Signed{NonceStr: r.NonceStr, TimeStamp: r.TimeStamp, Signature: r.Signature}
}

// The verdicts on reports.
const (
	verdictUnsigned = "unsigned"
	verdictMismatch = "url_mismatch"
	verdictRefused  = "refused"
	verdictError    = "error"
	verdictHealed   = "healed"
)

// logReport logs a report, and counts and announces it. Few lines a minute of
// each kind, and few kinds: anybody can send reports.
func (h *Handler) logReport(r *http.Request, rep report) {
	d := h.examine(r, rep.page(), h.askedFrom(r, rep.URL), &rep)
	rep.URL, rep.Signed, rep.Message = h.doctor.mask(rep.URL), h.doctor.mask(rep.Signed), h.doctor.mask(rep.Message)
	fields := []zap.Field{
		zap.String("code", string(rep.Code)),
		zap.String("message", rep.Message),
		zap.String("url", rep.URL),
		zap.String("signed", rep.Signed),
	}
	found := d.Verdict()
	switch {
	case rep.Code == codeHealed:
		reportsTotal.WithLabelValues(verdictHealed).Inc()
	case rep.Signed == "":
		reportsTotal.WithLabelValues(verdictUnsigned).Inc()
		h.notices.atMost(someReports, h.log, "unsigned", "a page without a signature reports an error of dd.config: ddSidecar.error in its console, and the line in this log from when it was served, say which line to add", fields...)
	case rep.URL != rep.Signed:
		reportsTotal.WithLabelValues(verdictMismatch).Inc()
		if len(d.URL.Differs) > 0 {
			fields = append(fields, zap.Strings("differs", d.URL.Differs))
		}
		if h.notices.atMost(someReports, h.log, "differs "+strings.Join(d.URL.Differs, " "), found.Advice(), fields...) && h.notices.admit(someReports, eventMismatch, time.Now()) {
			h.events.emit(eventMismatch, map[string]any{"url": rep.URL, "signed": rep.Signed, "advice": found.Advice()})
		}
	case rep.refusal():
		reportsTotal.WithLabelValues(verdictRefused).Inc()
		if h.notices.atMost(someReports, h.log, "refused", found.Advice(), fields...) {
			h.events.emit(eventRefused, map[string]any{"url": rep.URL, "code": string(rep.Code), "message": rep.Message})
		}
	default:
		reportsTotal.WithLabelValues(verdictError).Inc()
		h.notices.atMost(someReports, h.log, found.Name, "dd.config failed in a page: "+found.Advice(), fields...)
	}
}
