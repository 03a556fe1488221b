package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	goodText = `{"msgtype":"text","text":{"content":"hi"}}`
	bareLink = `{"msgtype":"link","link":{"title":"t","messageUrl":"https://example.com/"}}`
)

func say(query, body string) *http.Request {
	return post("/robot/send?access_token="+RobotToken+query, "application/json; charset=utf-8", body)
}

func signedQuery(at time.Time, secret string) string {
	timestamp := fmt.Sprint(at.UnixMilli())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return "&timestamp=" + timestamp + "&sign=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestTheRobotAnswers(t *testing.T) {
	now := time.Now()
	signed := RobotRules{Secret: "SECx"}
	tests := map[string]struct {
		rules   RobotRules
		request *http.Request
		errcode int
		errmsg  string
		shown   bool
	}{
		"a text":                             {RobotRules{}, say("", goodText), 0, "ok", true},
		"another token":                      {RobotRules{}, post("/robot/send?access_token=x", "application/json", goodText), 300005, "token", false},
		"a form":                             {RobotRules{}, post("/robot/send?access_token="+RobotToken, "text/plain", goodText), 43004, "", false},
		"no JSON":                            {RobotRules{}, say("", "x"), 40035, "json", false},
		"an unknown type":                    {RobotRules{}, say("", `{"msgtype":"image"}`), 400105, "", false},
		"a link without text":                {RobotRules{}, say("", bareLink), 400302, "link->text", false},
		"a link without text, silently":      {RobotRules{Silent: true}, say("", bareLink), 0, "ok", false},
		"markdown without title":             {RobotRules{}, say("", `{"msgtype":"markdown","markdown":{"text":"x"}}`), 400402, "markdown->title", false},
		"a card without button":              {RobotRules{}, say("", `{"msgtype":"actionCard","actionCard":{"title":"t","text":"x"}}`), 400504, "", false},
		"20 000 bytes and more":              {RobotRules{}, say("", `{"msgtype":"text","text":{"content":"`+strings.Repeat("x", 20_000)+`"}}`), 460101, "", false},
		"a sign":                             {signed, say(signedQuery(now, "SECx"), goodText), 0, "ok", true},
		"a sign of 59 minutes ago":           {signed, say(signedQuery(now.Add(-59*time.Minute), "SECx"), goodText), 0, "ok", true},
		"a sign of 61 minutes ago":           {signed, say(signedQuery(now.Add(-61*time.Minute), "SECx"), goodText), 310000, "invalid timestamp", false},
		"a sign of 61 minutes ahead":         {signed, say(signedQuery(now.Add(61*time.Minute), "SECx"), goodText), 310000, "invalid timestamp", false},
		"a sign with another secret":         {signed, say(signedQuery(now, "SECy"), goodText), 310000, "sign not match", false},
		"no sign":                            {signed, say("", goodText), 310000, "invalid timestamp", false},
		"a message without the keyword":      {RobotRules{Keyword: "告警"}, say("", goodText), 310000, "keywords not in content", false},
		"one that has it":                    {RobotRules{Keyword: "hi"}, say("", goodText), 0, "ok", true},
		"one that has it in a URL only":      {RobotRules{Keyword: "example"}, say("", strings.Replace(bareLink, `"t"`, `"t","text":"x"`, 1)), 310000, "keywords", false},
		"a keyword that names a JSON member": {RobotRules{Keyword: "msgtype"}, say("", goodText), 310000, "keywords", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := New(Options{Now: func() time.Time { return now }})
			d.SetRobot(test.rules)
			_, body := ask(t, d, test.request)
			if body["errcode"] != float64(test.errcode) || !strings.Contains(body["errmsg"].(string), test.errmsg) {
				t.Errorf("got %v", body)
			}
			if m := d.RobotMessages(); len(m) != 1 || m[0].Errcode != test.errcode || m[0].Shown != test.shown {
				t.Errorf("kept %+v", m)
			}
		})
	}
}

func TestTheRobotTakesTwentyAMinuteAndThenNoneForTen(t *testing.T) {
	now := time.Now()
	d := New(Options{Now: func() time.Time { return now }})
	try := func() float64 {
		_, body := ask(t, d, say("", goodText))
		return body["errcode"].(float64)
	}
	for i := range 20 {
		if code := try(); code != 0 {
			t.Fatalf("message %d: %v", i+1, code)
		}
		now = now.Add(2 * time.Second)
	}
	if code := try(); code != 130101 {
		t.Errorf("the 21st within a minute: %v", code)
	}
	now = now.Add(10*time.Minute - time.Second)
	if code := try(); code != 130101 {
		t.Errorf("within ten minutes: %v", code)
	}
	now = now.Add(time.Second)
	if code := try(); code != 0 {
		t.Errorf("after them: %v", code)
	}
}

func TestAMessageThatIsRepeatedIsShownOnce(t *testing.T) {
	d := New(Options{})
	for range 2 {
		ask(t, d, say("", `{"msgtype":"text","text":{"content":"hi"},"msgUuid":"u1"}`))
	}
	if m := d.RobotMessages(); !m[0].Shown || m[1].Shown || m[1].Errcode != 0 {
		t.Errorf("%+v", m)
	}
}

func TestTheRobotIsControlled(t *testing.T) {
	d := New(Options{})
	control := d.ControlHandler()
	w := httptest.NewRecorder()
	control.ServeHTTP(w, post("/sandbox/robot", "application/json", `{"keyword":"k"}`))
	ask(t, d, say("&x=1", goodText))
	w = httptest.NewRecorder()
	control.ServeHTTP(w, get("/sandbox/robot"))
	if got := w.Body.String(); !strings.Contains(got, `"errcode":310000`) || !strings.Contains(got, `"x":["1"]`) || !strings.Contains(got, `"content":"hi"`) {
		t.Errorf("got %s", got)
	}
	w = httptest.NewRecorder()
	control.ServeHTTP(w, post("/sandbox/fault", "application/json", `{"call":"robot","fault":"busy"}`))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if _, body := ask(t, d, say("", goodText)); body["errcode"] != float64(-1) {
		t.Errorf("got %v", body)
	}
}
