package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RobotCall is POST /robot/send, as a fault names it.
const RobotCall Call = "robot"

// RobotToken is the access_token of the organisation's one custom robot.
const RobotToken = "sandboxrobot"

// RobotRules are the robot's 安全设置, and how it takes what lacks a field.
type RobotRules struct {
	Secret  string `json:"secret"`  // 加签; "" is off
	Keyword string `json:"keyword"` // 自定义关键词; "" is off
	// Silent makes it accept messages that lack a field, and show them to nobody, as
	// DingTalk has been seen to do with a link without text.
	Silent bool `json:"silent"`
}

// RobotMessage is one call of robot/send.
type RobotMessage struct {
	Time    time.Time       `json:"time"`
	Query   url.Values      `json:"query"`
	Body    json.RawMessage `json:"body"` // null where it was no JSON
	Errcode int             `json:"errcode"`
	Shown   bool            `json:"shown"` // the group sees it
}

// A robot takes 20 messages a minute, and none for 10 minutes if there are more.
const (
	robotLimit   = 20
	robotSilence = 10 * time.Minute
)

// group is what the robot's group has seen.
type group struct {
	mu       sync.Mutex
	rules    RobotRules
	messages []RobotMessage
	taken    []time.Time // of the last minute
	silent   time.Time   // until when nothing is taken
}

// SetRobot changes the robot's rules. The zero value takes every good message.
func (d *DingTalk) SetRobot(rules RobotRules) {
	d.group.mu.Lock()
	defer d.group.mu.Unlock()
	d.group.rules = rules
}

// RobotMessages returns all calls of robot/send, but those that a fault befell.
func (d *DingTalk) RobotMessages() []RobotMessage {
	d.group.mu.Lock()
	defer d.group.mu.Unlock()
	return append([]RobotMessage{}, d.group.messages...)
}

// robotSend is POST /robot/send.
func (d *DingTalk) robotSend(q request) reply {
	now := d.options.Now()
	g := &d.group
	g.mu.Lock()
	defer g.mu.Unlock()
	m := RobotMessage{Time: now, Query: q.query}
	if json.Valid(q.body) {
		m.Body = q.body
	}
	errcode, errmsg := g.judge(now, q)
	m.Errcode = errcode
	if errcode == 0 {
		errmsg = "ok"
		m.Shown = robotLacks(q.body) == nil && !g.repeated(q.body)
	}
	g.messages = append(g.messages, m)
	return legacyRefusal(errcode, errmsg)
}

// judge checks a call in the order in which DingTalk does as far as is known: the
// token, the limit, the security settings, the message.
func (g *group) judge(now time.Time, q request) (errcode int, errmsg string) {
	if q.query.Get("access_token") != RobotToken {
		return 300005, "token is not exist"
	}
	if !g.admits(now) {
		return 130101, "send too fast, exceed 20 times per minute"
	}
	if !strings.HasPrefix(q.header.Get("Content-Type"), "application/json") {
		return 43004, "无效的HTTP HEADER Content-Type"
	}
	if len(q.body) > 20_000 {
		return 460101, "message too long, exceed 20000 bytes"
	}
	if reason := g.rules.refuse(now, q); reason != "" {
		return 310000, reason + ", more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
	}
	lack := robotLacks(q.body)
	if lack != nil && (!g.rules.Silent || lack.errcode == 40035 || lack.errcode == 400105) {
		return lack.errcode, lack.errmsg
	}
	return 0, ""
}

// admits counts a try, refused ones too.
func (g *group) admits(now time.Time) bool {
	if now.Before(g.silent) {
		return false
	}
	for len(g.taken) > 0 && now.Sub(g.taken[0]) >= time.Minute {
		g.taken = g.taken[1:]
	}
	if len(g.taken) >= robotLimit {
		g.silent, g.taken = now.Add(robotSilence), nil
		return false
	}
	g.taken = append(g.taken, now)
	return true
}

// refuse returns why the security settings refuse a call, "" if they do not.
func (r RobotRules) refuse(now time.Time, q request) string {
	if r.Keyword != "" && !strings.Contains(robotTexts(q.body), r.Keyword) {
		return "keywords not in content"
	}
	if r.Secret == "" {
		return ""
	}
	timestamp := q.query.Get("timestamp")
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || now.Sub(time.UnixMilli(ms)).Abs() > time.Hour {
		return "invalid timestamp"
	}
	mac := hmac.New(sha256.New, []byte(r.Secret))
	mac.Write([]byte(timestamp + "\n" + r.Secret))
	if q.query.Get("sign") != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return "sign not match"
	}
	return ""
}

// repeated reports whether a message with the same msgUuid has been shown.
func (g *group) repeated(body []byte) bool {
	uuid := robotUUID(body)
	if uuid == "" {
		return false
	}
	for _, m := range g.messages {
		if m.Shown && robotUUID(m.Body) == uuid {
			return true
		}
	}
	return false
}

func robotUUID(body []byte) string {
	var m struct {
		UUID string `json:"msgUuid"`
	}
	_ = json.Unmarshal(body, &m) // no identity, no repetition
	return m.UUID
}

// robotTexts are the texts in which a keyword counts.
func robotTexts(body []byte) string {
	var all strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all.WriteString(v + "\n")
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for key, e := range v {
				if key == "title" || key == "text" || key == "content" || key == "markdown" || key == "link" || key == "actionCard" || key == "feedCard" || key == "links" {
					walk(e)
				}
			}
		}
	}
	var m any
	_ = json.Unmarshal(body, &m) // no texts in what is no JSON
	walk(m)
	return all.String()
}

// lack is what a message lacks.
type lack struct {
	errcode int
	errmsg  string
}

// robotFields are the fields without which a message is not shown, by its type and
// with the code of the first (the others count up).
var robotFields = map[string]struct {
	errcode int
	names   []string
}{
	"text":       {400202, []string{"content"}},
	"link":       {400302, []string{"text", "title", "messageUrl"}},
	"markdown":   {400402, []string{"title", "text"}},
	"actionCard": {400502, []string{"title", "text"}},
	"feedCard":   {400602, []string{"links"}},
}

func robotLacks(content []byte) *lack {
	var m map[string]any
	if json.Unmarshal(content, &m) != nil {
		return &lack{40035, "缺少参数 json"}
	}
	kind, _ := m["msgtype"].(string)
	fields, known := robotFields[kind]
	if !known {
		return &lack{400105, "unsupported msgtype"}
	}
	body, _ := m[kind].(map[string]any)
	for i, name := range fields.names {
		switch v := body[name].(type) {
		case string:
			if strings.TrimSpace(v) != "" {
				continue
			}
		case []any:
			if len(v) > 0 {
				continue
			}
		}
		return &lack{fields.errcode + i, fmt.Sprintf("miss param : %s->%s", kind, name)}
	}
	if kind == "actionCard" && body["singleTitle"] == nil && body["btns"] == nil {
		return &lack{400504, "miss param : actionCard->btns"}
	}
	return nil
}

// serveRobot answers GET /sandbox/robot with every call of robot/send.
func (d *DingTalk) serveRobot(w http.ResponseWriter, _ *http.Request) {
	serveJSON(w, d.RobotMessages())
}

// serveRobotRules is POST /sandbox/robot {"secret", "keyword", "silent"}.
func (d *DingTalk) serveRobotRules(w http.ResponseWriter, r *http.Request) {
	var rules RobotRules
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBody)).Decode(&rules); err != nil {
		http.Error(w, "reading the rules: "+err.Error(), http.StatusBadRequest)
		return
	}
	d.SetRobot(rules)
	d.serveRobot(w, r)
}
