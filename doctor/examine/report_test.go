package examine_test

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTheReportsFormIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	report, text := w.examine(t, storageLine+goodSite+site(":8080", "APP\n\t\tapi_base API")+
		site("http://b.example.com", "app_key other\n\t\tapp_secret {file.DIR/app_secret}\n\t\tDD\n\t\tapi_base API\n\t\tforwarded Forwarded"))
	var asJSON bytes.Buffer
	if err := report.WriteJSON(&asJSON); err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string]string{"testdata/report.txt": text, "testdata/report.json": asJSON.String()} {
		got = w.timeless(got)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is now (-update rewrites it)\n%s", file, got)
		}
	}
}

// timeless replaces what is different each time.
func (w *world) timeless(text string) string {
	text = strings.NewReplacer(w.dir, "/dir", strings.TrimPrefix(w.api, "http://"), "127.0.0.1:80").Replace(text)
	for pattern, constant := range map[string]string{
		`in \d+ ms`:                              "in 1 ms",
		`clock is \d+s (ahead of|behind)`:        "clock agrees with",
		`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+`:  "2026-11-20 12:00:00 UTC",
		`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d+`: "2026-11-20 12:00:00 UTC",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, constant)
	}
	return text
}
