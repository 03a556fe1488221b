package oapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// reply is a JSON object that a call was answered with. Whether it is a success
// depends on what the call was made for: see verdict.
type reply struct {
	made   call
	status int
	fields map[string]json.RawMessage
	hide   redactor
}

// read takes an answer for a JSON object.
func (made call) read(status int, body []byte, hide redactor) (*reply, error) {
	failure := &Error{Call: made.name, V1: made.v1, Status: status}
	var fields map[string]json.RawMessage
	switch {
	case len(body) > bodyLimit:
		failure.Err = fmt.Errorf("the answer is longer than %d KiB", bodyLimit>>10)
	case json.Unmarshal(body, &fields) != nil || fields == nil:
		failure.Err = errors.New("the answer is no JSON object")
	default:
		return &reply{made, status, fields, hide}, nil
	}
	if failure.Kind = kindOfStatus(status); failure.Kind == Other {
		failure.Kind = Garbage
	}
	return nil, failure
}

// verdict returns the error that the answer stands for, nil if it is a success.
// missing names a field without which it is none. No error repeats a secret that
// the answer brings beside a refusal.
func (r *reply) verdict(missing string, secrets ...string) error {
	code, message, refused := refusal(r.fields)
	if r.status/100 == 2 && !refused && missing == "" {
		return nil
	}
	failure := &Error{Call: r.made.name, V1: r.made.v1, Status: r.status}
	if r.status/100 == 2 && code == "" {
		failure.Kind = Garbage
		failure.Err = fmt.Errorf("the answer has no usable %s", missing)
		return failure
	}
	hide := redactor{r.hide.url, append(slices.Clone(r.hide.secrets), secrets...)}
	failure.Kind = r.made.kind(r.status, code)
	failure.Code = hide.clean(code, maxCode)
	failure.Message = hide.clean(message, maxMessage)
	return failure
}

// refusal finds the code and the message in any of the shapes that DingTalk
// gives an error. Refused says that errcode alone rules out a success.
func refusal(fields map[string]json.RawMessage) (code, message string, refused bool) {
	code, message = text(fields["errcode"]), text(fields["errmsg"])
	switch code {
	default:
		return code, message, true
	case "88": // a wrapper: "ding talk error[subcode=40014,submsg=…]"
		if sub := text(fields["sub_code"]); sub != "" {
			return sub, cmp.Or(text(fields["sub_msg"]), message), true
		}
		return code, message, true
	case "", "0":
	}
	code, message = text(fields["code"]), text(fields["message"])
	switch {
	case code == "0":
		code = ""
	case code == "" && text(fields["status"]) == codeBanned:
		code = codeBanned
	}
	return code, message, false
}

// text is a field's text. Numbers are taken for codes, which some gateways
// write as 40014.0. Objects and lists are not spelled out: escaped twice, a
// secret that the server echoes in one would not be found.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil { // also null
		return strings.TrimSpace(s)
	}
	if n, err := strconv.ParseFloat(string(raw), 64); err == nil && n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.FormatInt(int64(n), 10)
	}
	if raw[0] == '{' || raw[0] == '[' {
		return "…"
	}
	return string(raw)
}

// decode sets the fields of a struct, and of structs and lists of structs within
// it, from an object with exactly the names in their tags: encoding/json would
// take userId for userid, the later of the two, and in sign-in that is somebody
// else. What is of another type than its field is left out, as if it were missing.
func decode(fields map[string]json.RawMessage, into any) {
	set(fields, reflect.ValueOf(into).Elem())
}

func set(fields map[string]json.RawMessage, into reflect.Value) {
	for i := range into.NumField() {
		setValue(fields[into.Type().Field(i).Tag.Get("json")], into.Field(i))
	}
}

func setValue(raw json.RawMessage, into reflect.Value) {
	var list []json.RawMessage
	var fields map[string]json.RawMessage
	switch {
	case len(raw) == 0:
	case into.Kind() == reflect.Struct:
		if json.Unmarshal(raw, &fields) == nil {
			set(fields, into)
		}
	case into.Kind() == reflect.Slice && into.Type().Elem().Kind() == reflect.Struct:
		if json.Unmarshal(raw, &list) == nil && list != nil {
			into.Set(reflect.MakeSlice(into.Type(), len(list), len(list)))
			for i := range list {
				setValue(list[i], into.Index(i))
			}
		}
	default:
		value := reflect.New(into.Type())
		if json.Unmarshal(raw, value.Interface()) == nil { // amid a list it would leave the first half
			into.Set(value.Elem())
		}
	}
}
