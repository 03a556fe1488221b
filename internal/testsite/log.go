package testsite

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Entry is a line of the log.
type Entry struct {
	Level  string `json:"level"`
	Logger string `json:"logger"`
	Msg    string `json:"msg"`
	Text   string `json:"-"` // all of the line
}

// Log returns all lines that have been logged so far.
func (s *Site) Log(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Logged returns the lines of the handler that hold all the texts.
func (s *Site) Logged(t testing.TB, texts ...string) (found []Entry) {
	t.Helper()
lines:
	for line := range bytes.Lines(s.Log(t)) {
		e := Entry{Text: string(line)}
		if err := json.Unmarshal(line, &e); err != nil || e.Logger != "http.handlers.dingtalk" {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(e.Text, text) {
				continue lines
			}
		}
		found = append(found, e)
	}
	return found
}
