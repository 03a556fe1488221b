package endpoint

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
)

// FuzzReport: whatever a stranger sends, nothing panics, the status is one of those
// that are documented, and the log has lines that are one line each.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{
		`{"url":"https://h5.test/p?a=b","signed":"http://h5.test/p","code":"url_mismatch","message":""}`,
		`{"url":"https://h5.test/p","signed":"https://h5.test/p","code":52013,"message":"签名校验失败,nonce:[a],timestamp:[1],url:[https://h5.test/p?q=a b],ticketList:[a***b]"}`,
		`{"url":"https://h5.test/p","signed":"https://h5.test/p","code":"7\n","message":"a\u2028\u001b[31m\nb?x=1&y=2","tried":"hash=sha256"}`,
		`{"signed":"","code":null}`, `{"code":{}}`, `{`, `[1]`, `null`, ``, `{}{}`,
	} {
		f.Add(seed)
	}
	known := map[int]bool{http.StatusNoContent: true, http.StatusBadRequest: true, http.StatusRequestEntityTooLarge: true}
	f.Fuzz(func(t *testing.T, body string) {
		core, lines := observer.New(zap.WarnLevel)
		s := &Server{notices: observe.NewNotices(zap.New(core)), events: new(observe.Emitter)}
		w := httptest.NewRecorder()
		w.Code = http.StatusNoContent
		var rep report
		if readReport(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)), maxReport, &rep) {
			rep.withoutFragments()
			page := rep.page()
			page.Foreign = true
			s.tell(rep.verdict(), &rep, doctor.Examine(doctor.Facts{Page: page}))
		}
		if !known[w.Code] {
			t.Errorf("status %d", w.Code)
		}
		for _, line := range lines.All() {
			texts := []string{line.Message}
			for _, field := range line.Context {
				texts = append(texts, field.String)
			}
			for _, text := range texts {
				if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }) {
					t.Errorf("the log has %q", text)
				}
			}
			if strings.Contains(line.Message, "public_origin http") {
				t.Errorf("ready to paste: %s", line.Message)
			}
		}
	})
}
