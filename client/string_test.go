package client

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAppendString(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":                     {"", `""`},
		"plain ASCII":                 {"https://h5.test/p?x=1;y~", `"https://h5.test/p?x=1;y~"`},
		"quote and backslash":         {`a"b\c`, `"a\u0022b\u005cc"`},
		"what HTML knows":             {`<!--</script>&'`, `"\u003c!--\u003c/script\u003e\u0026\u0027"`},
		"control characters":          {"\x00\t\n\r\x1f\x7f", `"\u0000\u0009\u000a\u000d\u001f\u007f"`},
		"Chinese":                     {"钉钉", `"\u9489\u9489"`},
		"line separators":             {"\u2028\u2029", `"\u2028\u2029"`},
		"a character of two units":    {"😀", `"\ud83d\ude00"`},
		"the last character":          {"\U0010FFFF", `"\udbff\udfff"`},
		"the first of two units":      {"\U00010000", `"\ud800\udc00"`},
		"a byte that is no UTF-8":     {"a\xffb", `"a\ufffdb"`},
		"bytes that are no UTF-8":     {"\xe4\xb8", `"\ufffd\ufffd"`},
		"an encoded surrogate":        {"\xed\xa0\x80", `"\ufffd\ufffd\ufffd"`},
		"the replacement itself":      {"\ufffd", `"\ufffd"`},
		"GBK":                         {"\xd6\xd0", `"\ufffd\ufffd"`},
		"something behind a longer":   {"😀a", `"\ud83d\ude00a"`},
		"what JSON alone would allow": {"/", `"/"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := string(appendString([]byte("before "), test.text))
			if got != "before "+strings.ReplaceAll(test.want, "�", `\ufffd`) {
				t.Errorf("%s, want %s", got, test.want)
			}
			var decoded string
			if err := json.Unmarshal([]byte(got[len("before "):]), &decoded); err != nil || decoded != valid(test.text) {
				t.Errorf("%q decodes to %q, %v", test.text, decoded, err)
			}
		})
	}
}

// valid replaces each byte that is no UTF-8.
func valid(s string) string { return string([]rune(s)) }
