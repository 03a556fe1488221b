package robot

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// What Parse and Validate let pass is a body that DingTalk takes, and reads back
// the same.
func FuzzParse(f *testing.F) {
	for _, v := range vectors[struct{ JSON json.RawMessage }](f, "messages.json") {
		f.Add([]byte(v.JSON))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := Parse(content)
		if err != nil {
			if _, ok := err.(*InvalidError); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if m.Validate() != nil {
			return
		}
		body, err := json.Marshal(m.body())
		if err != nil || !utf8.Valid(body) {
			t.Fatalf("%v: %q", err, body)
		}
		again, err := Parse(body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if err := again.Validate(); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if second, _ := json.Marshal(again.body()); string(second) != string(body) {
			t.Fatalf("%s became %s", body, second)
		}
	})
}

// Sent means HTTP 200 with an errcode of 0, and nothing else does.
func FuzzJudge(f *testing.F) {
	for _, v := range vectors[struct {
		Status int
		Body   string
	}](f, "answers.json") {
		f.Add(v.Status, []byte(v.Body))
	}
	f.Fuzz(func(t *testing.T, status int, content []byte) {
		failure := judge(status, content)
		if failure == nil {
			var answer struct{ Errcode any }
			if err := json.Unmarshal(content, &answer); err != nil || status != 200 || answer.Errcode == nil {
				t.Fatalf("%d %q counts as sent", status, content)
			}
			return
		}
		if advice(failure) == "" || failure.Kind == "" {
			t.Fatalf("%d %q: %+v", status, content, failure)
		}
		if text := clean(failure.Text); !utf8.ValidString(text) || utf8.RuneCountInString(text) > 300 {
			t.Fatalf("%q", text)
		}
	})
}
