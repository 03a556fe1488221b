package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// family is one of the two styles of the server API.
type family int

const (
	legacy family = iota // oapi.dingtalk.com: token in the query, errors as errcode with status 200
	v1                   // api.dingtalk.com/v1.0: token in a header, errors as code with status 4xx or 5xx
)

// reply is one answer of the server API.
type reply struct {
	status int
	body   fields
}

// fields are the members of a JSON object.
type fields map[string]any

// unknownPath is what DingTalk answers to a path that it does not serve.
var unknownPath = reply{http.StatusNotFound, fields{"errcode": 404, "errmsg": "请求的URI地址不存在"}}

func (a reply) json() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		panic(err) // strings, numbers and raw JSON that ParseFault has checked
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (a reply) write(w http.ResponseWriter) { writeJSON(w, a.status, a.json()) }

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who has gone away misses the answer
}

// expiresIn is the announced lifetime in seconds. Near the end of a ticket's 24 h it says too much, as
// DingTalk does.
func (d *DingTalk) expiresIn() int { return int(d.options.Lifetime.Seconds()) }
