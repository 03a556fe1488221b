package dingtalk

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"go.uber.org/zap"

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

// refusal reports whether DingTalk refused the signature: 52013 (it does not
// fit), 52011 (the ticket cannot be read). The PC client sends no code, only the
// words.
func (r *report) refusal() bool {
	return r.Code == "52013" || r.Code == "52011" || strings.Contains(r.Message, "签名校验失败")
}

// serveReport logs what a page reports, with the cure.
func (h *Handler) serveReport(w http.ResponseWriter, r *http.Request, _ caller) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return writeError(w, http.StatusRequestEntityTooLarge, "too_large", "a report has at most 4096 bytes")
	}
	var rep report
	if err != nil || json.Unmarshal(body, &rep) != nil || !strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
		return writeError(w, http.StatusBadRequest, "bad_report", `a report is JSON: {"url","signed","code","message"}`)
	}
	rep.URL, _, _ = strings.Cut(rep.URL, "#")
	rep.Signed, _, _ = strings.Cut(rep.Signed, "#")
	h.logReport(&rep)
	if rep.refusal() && rep.Signed != "" && rep.URL == rep.Signed && h.ofHeldTicket(&rep) {
		h.tokens.Suspect()
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
	return held != nil && h.signer.Made(signer.Signed{NonceStr: rep.NonceStr, TimeStamp: rep.TimeStamp, Signature: rep.Signature}, held.Value, rep.Signed)
}

// The verdicts on reports.
const (
	verdictUnsigned = "unsigned"
	verdictMismatch = "url_mismatch"
	verdictRefused  = "refused"
	verdictError    = "error"
)

// logReport logs a report, and counts and announces it. Few lines a minute of
// each kind, and few kinds: anybody can send reports.
func (h *Handler) logReport(rep *report) {
	fields := []zap.Field{
		zap.String("code", string(rep.Code)),
		zap.String("message", rep.Message),
		zap.String("url", rep.URL),
		zap.String("signed", rep.Signed),
	}
	parts, advice := difference(rep.URL, rep.Signed)
	switch {
	case rep.Signed == "":
		reportsTotal.WithLabelValues(verdictUnsigned).Inc()
		h.notices.atMost(someReports, h.log, "unsigned", "a page without a signature reports an error of dd.config", fields...)
	case rep.URL != rep.Signed:
		reportsTotal.WithLabelValues(verdictMismatch).Inc()
		kind, message := "differs", "a page reports another URL than the one that was signed, in a way that no setting cures"
		if advice != "" {
			fields = append(fields, zap.Strings("differs", parts))
			kind, message = "differs "+strings.Join(parts, " "), "the browser shows another URL than the one that was signed: "+advice
		}
		if h.notices.atMost(someReports, h.log, kind, message, fields...) {
			h.events.emit(eventMismatch, map[string]any{"url": rep.URL, "signed": rep.Signed, "advice": advice})
		}
	case rep.refusal():
		reportsTotal.WithLabelValues(verdictRefused).Inc()
		if h.notices.atMost(someReports, h.log, "refused", "DingTalk refused the signature of the URL that the browser shows: the jsapi_ticket may have been replaced by another program that uses the same app; it is fetched again", fields...) {
			h.events.emit(eventRefused, map[string]any{"url": rep.URL, "code": string(rep.Code), "message": rep.Message})
		}
	default:
		reportsTotal.WithLabelValues(verdictError).Inc()
		advice := codeAdvice(string(rep.Code))
		h.notices.atMost(someReports, h.log, advice, "dd.config failed in a page: "+advice, fields...)
	}
}

// codeAdvice says what DingTalk's codes of dd.config mean (DingTalk,
// server-api-error-codes-1).
func codeAdvice(code string) string {
	switch code {
	case "52010":
		return "the corp_id is wrong: copy the CorpId from the DingTalk developer console"
	case "52019":
		return "the agent_id does not belong to this app and organisation: copy the AgentId from the page of the app whose app_key is configured"
	case "52017":
		return "jsApiList names an API that does not exist: write the names without dd."
	case "52020", "52021", "52022", "52023":
		return "the type does not fit the app: type 1 is for service windows (服务窗), 0 for all others"
	}
	return "see the message, which DingTalk wrote"
}
