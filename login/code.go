package login

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// maxBody is the longest body that an endpoint takes, maxCode the longest code, in bytes.
const (
	maxBody = 4 << 10
	maxCode = 512
)

// readCode reads the body of POST login: {"code": "…", "framed": true}.
func readCode(w http.ResponseWriter, r *http.Request) (code string, framed bool, refused *Error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", false, &Error{Code: CodeTooLarge}
	case err != nil:
		return "", false, &Error{Code: CodeBadCode}
	}
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); len(body) > 0 && (err != nil || mediaType != "application/json") {
		return "", false, &Error{Code: CodeMediaType}
	}
	code, framed, ok := parseCode(body)
	if !ok {
		return "", false, &Error{Code: CodeBadCode}
	}
	return code, framed, nil
}

// parseCode reads the object strictly: a key that is there twice means one thing to us and
// another to whoever looks at it before us.
func parseCode(body []byte) (code string, framed, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return "", false, false
	}
	seen := make(map[string]bool)
	for d.More() {
		key, err := d.Token()
		name, isText := key.(string)
		if err != nil || !isText || seen[name] {
			return "", false, false
		}
		seen[name] = true
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return "", false, false
		}
		switch name {
		case "code":
			err = json.Unmarshal(value, &code)
		case "framed":
			err = json.Unmarshal(value, &framed)
		}
		if err != nil {
			return "", false, false
		}
	}
	if _, err := d.Token(); err != nil { // the end of the object
		return "", false, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", false, false
	}
	return code, framed, usable(code)
}

// usable tells whether a text can be a code of DingTalk's.
func usable(code string) bool {
	for i := range len(code) {
		if code[i] < 0x21 || code[i] > 0x7E {
			return false
		}
	}
	return code != "" && len(code) <= maxCode
}
