package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// UnmarshalJSON reads the fields as strictly as Caddy does, and says of an unknown or
// mistyped one what the Caddyfile says. An agent_id may be a number, as DingTalk's
// console shows it.
//
// Caddy calls it for the handler, too, which embeds the Config: the handler has no
// fields of its own in JSON.
func (c *Config) UnmarshalJSON(text []byte) error {
	type plain Config // without this method
	return unmarshal(text, (*plain)(c), names, Suggestion)
}

// numbers are the fields whose digits JSON may hold as a number.
var numbers = []string{"agent_id", "app_id"}

// unmarshal reads a block that has those fields. suggest says, after the name of another
// one, what may have been meant.
func unmarshal(text []byte, block any, names []string, suggest func(string) doctor.Text) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for name := range fields {
		if !slices.Contains(names, name) {
			return doctor.Wrong("unrecognized field %q%s", name, suggest(name))
		}
	}
	for _, name := range numbers {
		if n := fields[name]; len(n) > 0 && n[0] >= '0' && n[0] <= '9' {
			fields[name] = slices.Concat([]byte{'"'}, n, []byte{'"'})
			var err error
			if text, err = json.Marshal(fields); err != nil {
				return err
			}
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return mistyped(decoder.Decode(block))
}

// mistyped words the error about a value of the wrong type, without the value.
func mistyped(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) || wrong.Field == "" {
		return err
	}
	given, _, _ := strings.Cut(wrong.Value, " ") // without the value itself
	article := "a "
	if given == "array" || given == "object" {
		article = "an "
	}
	instead := doctor.Hint(article + given)
	name, inner, _ := strings.Cut(wrong.Field, ".")
	if inner == "" && name == "doctor" {
		return doctor.Wrong(`doctor must be {} or {"token": "{env.NAME}"}, not %s`, instead)
	}
	want := doctor.Hint("a string")
	switch wrong.Type.Kind() {
	case reflect.Slice:
		want = doctor.Hint("a list of strings")
		if element := wrong.Type.Elem().Kind(); element == reflect.Struct {
			want = doctor.Hint("a list of objects")
		}
	case reflect.Int, reflect.Int64:
		want = doctor.Hint("a number")
	case reflect.Struct:
		want = doctor.Hint("an object")
	}
	return doctor.Wrong("%s must be %s, not %s", wrong.Field, want, instead)
}
