package robot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func vectors[T any](t testing.TB, name string) (list []T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSignIsDingTalks(t *testing.T) {
	for _, v := range vectors[struct{ Secret, Timestamp, Sign string }](t, "sign.json") {
		if got := sign(v.Timestamp, v.Secret); got != v.Sign {
			t.Errorf("sign(%q, %q) = %q, want %q", v.Timestamp, v.Secret, got, v.Sign)
		}
	}
}

func TestAnswersAreReadAs(t *testing.T) {
	for _, v := range vectors[struct {
		Name         string
		Status       int
		Body         string
		Kind         Kind
		Code, Advice string
	}](t, "answers.json") {
		t.Run(v.Name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				if v.Status != 0 {
					w.WriteHeader(v.Status)
				}
				_, _ = io.WriteString(w, v.Body)
			}))
			defer server.Close()
			r, err := New(server.URL+"/robot/send?access_token=t0ken", "SECret")
			if err != nil {
				t.Fatal(err)
			}
			err = r.Send(t.Context(), Text{Content: "hi"})
			var failure *SendError
			if !errors.As(err, &failure) {
				if err != nil || v.Kind != "" {
					t.Fatalf("got %v, want kind %q", err, v.Kind)
				}
				return
			}
			if failure.Kind != v.Kind || failure.Code != v.Code {
				t.Errorf("got %s %q, want %s %q", failure.Kind, failure.Code, v.Kind, v.Code)
			}
			if failure.Advice == "" || !strings.Contains(failure.Advice, v.Advice) {
				t.Errorf("advice %q lacks %q", failure.Advice, v.Advice)
			}
		})
	}
}

func TestMessagesAreValidatedAs(t *testing.T) {
	for _, v := range vectors[struct {
		Name  string
		JSON  json.RawMessage
		Error string
	}](t, "messages.json") {
		t.Run(v.Name, func(t *testing.T) {
			m, err := Parse(v.JSON)
			if err == nil {
				err = m.Validate()
			}
			if v.Error == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				var want, got any
				again, _ := json.Marshal(m)
				_ = json.Unmarshal(v.JSON, &want)
				_ = json.Unmarshal(again, &got)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("became %s", again)
				}
				return
			}
			if invalid, ok := errors.AsType[*InvalidError](err); !ok || !strings.HasPrefix(invalid.Error(), v.Error) {
				t.Errorf("got %v, want %s…", err, v.Error)
			}
		})
	}
}

func TestLongMessagesAreRefusedWithTheirField(t *testing.T) {
	tests := map[string]struct {
		message Message
		want    string
	}{
		"a text of 20 000 bytes with what is around it": {Text{Content: strings.Repeat("字", 6_667)}, "text.content is too long"},
		"51 names": {Markdown{"t", "x", At{UserIDs: make([]string, 51)}}, "markdown.at names 51 people"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := test.message.Validate(); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := (Text{Content: strings.Repeat("<", 19_800)}).Validate(); err != nil {
		t.Errorf("characters that JSON need not escape count as one byte each, but: %v", err)
	}
}

func TestMarkdownNamesWhomItTells(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"a number that is missing is appended":          {"x", "x\n\n@13800138000"},
		"one that is there is not":                      {"x @13800138000 y", "x @13800138000 y"},
		"one that begins a longer number is not enough": {"x @138001380001", "x @138001380001\n\n@13800138000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := Markdown{"t", test.text, At{Mobiles: []string{"13800138000"}}}.body()
			if b.Markdown.Text != test.want {
				t.Errorf("got %q, want %q", b.Markdown.Text, test.want)
			}
		})
	}
}

func TestKeywordIsPutInFrontOfMessagesThatLackIt(t *testing.T) {
	tests := map[string]struct {
		message Message
		want    string
	}{
		"text":                       {Text{Content: "x"}, `{"msgtype":"text","text":{"content":"告警 x"}}`},
		"text that has it":           {Text{Content: "x告警"}, `{"msgtype":"text","text":{"content":"x告警"}}`},
		"markdown":                   {Markdown{Title: "t", Text: "# x"}, `{"msgtype":"markdown","markdown":{"title":"t","text":"告警\n\n# x"}}`},
		"markdown whose title it is": {Markdown{Title: "告警", Text: "x"}, `{"msgtype":"markdown","markdown":{"title":"告警","text":"x"}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := New("https://example.com/?access_token=x", "", Keyword("告警"))
			m, err := r.Prepared(test.message)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(m); string(got) != test.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestWebhooks(t *testing.T) {
	tests := map[string]struct{ webhook, secret, want string }{
		"DingTalk's own":                    {"https://oapi.dingtalk.com/robot/send?access_token=x", "SEC12", ""},
		"a dedicated deployment":            {"https://zwopenplatform.10e.alibaba-inc.com/robot/send?access_token=x", "", ""},
		"loopback over http":                {"http://127.0.0.1:8080/robot/send?access_token=x", "", ""},
		"a private address over http":       {"http://10.1.2.3/robot/send?access_token=x", "", ""},
		"a name without dots over http":     {"http://egress:8080/robot/send?access_token=x", "", ""},
		"another host over http":            {"http://example.com/robot/send?access_token=x", "", "webhook would send its token in the clear"},
		"a public address over http":        {"http://[2001:db8::1]/robot/send?access_token=x", "", "webhook would send its token in the clear"},
		"another scheme":                    {"ftp://example.com/?access_token=x", "", "webhook is neither https nor http"},
		"no token":                          {"https://oapi.dingtalk.com/robot/send", "", "webhook has no access_token"},
		"an empty token":                    {"https://oapi.dingtalk.com/robot/send?access_token=", "", "webhook has no access_token"},
		"two tokens":                        {"https://oapi.dingtalk.com/robot/send?access_token=a&access_token=b", "", "webhook has no access_token, or several"},
		"nothing":                           {"", "", "webhook is missing"},
		"no host":                           {"/robot/send?access_token=x", "", "webhook is not a URL"},
		"a user":                            {"https://u:p@example.com/?access_token=x", "", "webhook has a user"},
		"a sign from somewhere":             {"https://example.com/?access_token=x&timestamp=1&sign=y", "", "webhook has a timestamp"},
		"a token with the example's end":    {"https://oapi.dingtalk.com/robot/send?access_token=…", "", "webhook has an access_token with characters"},
		"a secret with the example's end":   {"https://example.com/?access_token=x", "SEC…", "secret was not copied whole"},
		"a keyword for a secret":            {"https://example.com/?access_token=x", "告警", "secret is not one of 加签"},
		"a secret with a line end":          {"https://example.com/?access_token=x", "SECx\n", "secret was not copied whole"},
		"a secret of nothing but its start": {"https://example.com/?access_token=x", "SEC", "secret was not copied whole"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(test.webhook, test.secret)
			if got := fmt.Sprint(err); test.want == "" && err != nil || !strings.HasPrefix(got, test.want) && test.want != "" {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestACallIsSignedOnceEncodedAndKeepsItsIdentity(t *testing.T) {
	var queries []url.Values
	var uuids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b body
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%v, %s", err, r.Header)
		}
		queries, uuids = append(queries, r.URL.Query()), append(uuids, b.MsgUUID)
		_, _ = io.WriteString(w, `{"errcode":0}`)
	}))
	defer server.Close()
	const secret = "SECtest"
	r, err := New(server.URL+"/robot/send?access_token=t0ken", secret)
	if err != nil {
		t.Fatal(err)
	}
	same := Once(Link{"t", "x", "https://example.com/", ""})
	for _, m := range []Message{same, same, Text{Content: "x"}, Text{Content: "x"}} {
		if err := r.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range queries {
		if q.Get("access_token") != "t0ken" || q.Get("sign") != sign(q.Get("timestamp"), secret) {
			t.Errorf("query %v", q)
		}
		if ms, _ := strconv.ParseInt(q.Get("timestamp"), 10, 64); time.Since(time.UnixMilli(ms)).Abs() > time.Minute {
			t.Errorf("timestamp %s is no time of now in milliseconds", q.Get("timestamp"))
		}
	}
	if uuids[0] != uuids[1] || uuids[0] == "" || uuids[1] == uuids[2] || uuids[2] == uuids[3] {
		t.Errorf("msgUuids %q: the same for one message, another for each other", uuids)
	}
}

func TestNothingInvalidLeavesTheProgram(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") }))
	defer server.Close()
	r, err := New(server.URL+"/?access_token=x", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Send(t.Context(), Once(Link{Title: "t", MessageURL: "https://example.com/"})); fmt.Sprint(err) != "link.text "+missing {
		t.Errorf("got %v", err)
	}
}

func TestNoErrorShowsTokenSecretOrSign(t *testing.T) {
	const token, secret = "t0kenofthewebhook", "SEC/secret+of=the"
	var seen url.Values
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.URL.Query()
		fmt.Fprintf(w, `{"errcode":310000,"errmsg":"sign not match: %s %s %s"}`, r.RequestURI, seen.Get("sign"), secret)
	}))
	defer echo.Close()
	tlsEcho := httptest.NewTLSServer(nil)
	defer tlsEcho.Close()
	tlsEcho.Config.ErrorLog = nil
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, host := range map[string]string{"refused": echo.URL, "a certificate of nobody": tlsEcho.URL, "nobody listens": gone.URL} {
		t.Run(name, func(t *testing.T) {
			r, err := New(host+"/robot/send?access_token="+token, secret)
			if err != nil {
				t.Fatal(err)
			}
			failure, ok := errors.AsType[*SendError](r.Send(t.Context(), Text{Content: "x"}))
			if !ok {
				t.Fatal("not refused")
			}
			text := fmt.Sprintf("%v %+v %#v %+v %#v %s", failure, *failure, *failure, r, r, *r)
			for _, s := range []string{token, secret, url.QueryEscape(secret), seen.Get("sign"), url.QueryEscape(seen.Get("sign"))} {
				if s != "" && strings.Contains(text, s) {
					t.Errorf("%q stands in %s", s, text)
				}
			}
		})
	}
}

func TestAnUnsignedCallIsNotToldToSetItsClock(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"errcode":310000,"errmsg":"invalid timestamp, more: [https://ding-doc.dingtalk.com]"}`)
	}))
	defer server.Close()
	for secret, want := range map[string]string{"": "no secret is given", "SECret": "set this machine's clock"} {
		r, err := New(server.URL+"/robot/send?access_token=t0ken", secret)
		if err != nil {
			t.Fatal(err)
		}
		failure, ok := errors.AsType[*SendError](r.Send(t.Context(), Text{Content: "x"}))
		if !ok || !strings.Contains(failure.Advice, want) {
			t.Errorf("with the secret %q: %+v", secret, failure)
		}
	}
}
