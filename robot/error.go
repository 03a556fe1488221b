package robot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Kind sorts failures by what helps against them. It serves as a field of logs and
// a label of metrics.
type Kind string

const (
	Busy      Kind = "busy"      // DingTalk is in trouble: again, soon
	Network   Kind = "network"   // no answer, or not DingTalk's: again, soon
	Throttled Kind = "throttled" // too many messages: not before 10 minutes are over
	Security  Kind = "security"  // 安全设置: keyword, sign, clock or IP
	Config    Kind = "config"    // the webhook leads to no robot
	Invalid   Kind = "invalid"   // DingTalk refuses the message
	Unknown   Kind = "unknown"   // a code that is not in our tables
)

// SendError is why DingTalk has not taken a message. Its texts hold neither token
// nor secret nor sign.
type SendError struct {
	Kind Kind
	Code string // DingTalk's errcode, "1111", or "HTTP 502"; "" where no answer came
	Text string // DingTalk's words, or those of the failure; printable, at most 300 characters
	// Advice says in English what to do next. Names of DingTalk's own pages stay
	// Chinese, as shown there.
	Advice string
}

func (e *SendError) Error() string {
	s := "sending a robot message: " + string(e.Kind)
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Temporary reports whether the same message may be taken in a moment.
func (e *SendError) Temporary() bool { return e.Kind == Busy || e.Kind == Network }

func unreachable(text string, cancelled bool) *SendError {
	e := &SendError{Kind: Network, Text: clean(text)}
	e.Advice = advice(e)
	if cancelled {
		e.Advice = "The try was given up from this side, there is nothing to change."
	}
	return e
}

// judge reads an answer; nil means sent.
func judge(status int, content []byte) *SendError {
	var answer struct {
		Errcode json.RawMessage `json:"errcode"`
		Errmsg  any             `json:"errmsg"`
		Status  json.RawMessage `json:"status"`
	}
	broken := json.Unmarshal(content, &answer)
	code, isCode := number(answer.Errcode)
	text, _ := answer.Errmsg.(string)
	if banned, _ := number(answer.Status); banned == 1111 && broken == nil && (!isCode || code == 0) {
		return &SendError{Kind: Throttled, Code: "1111", Text: text}
	}
	switch {
	case broken == nil && isCode && code != 0:
		return &SendError{Kind: kindOf(code), Code: strconv.Itoa(code), Text: text}
	case status >= 500 || status == http.StatusTooManyRequests:
		return &SendError{Kind: Busy, Code: "HTTP " + strconv.Itoa(status), Text: http.StatusText(status)}
	case status != http.StatusOK:
		return &SendError{Kind: Network, Code: "HTTP " + strconv.Itoa(status), Text: "something other than DingTalk answered: " + http.StatusText(status)}
	case broken != nil:
		return &SendError{Kind: Network, Text: "something other than DingTalk answered: no JSON"}
	case !isCode:
		return &SendError{Kind: Network, Text: "something other than DingTalk answered: no errcode"}
	}
	return nil
}

// number reads a JSON number, or one in a JSON string: DingTalk's own sample has
// "0". ok is false where there is neither.
func number(raw json.RawMessage) (n int, ok bool) {
	text := string(raw)
	if strings.HasPrefix(text, `"`) && json.Unmarshal(raw, &text) != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return n, err == nil
}

// kindOf sorts DingTalk's codes (server-api-error-codes-1, and what the field has
// seen beside it).
func kindOf(code int) Kind {
	switch code {
	case -1:
		return Busy
	case 130101, 410100, 660026, 90030, 1111:
		return Throttled
	case 310000:
		return Security
	case 300001, 300005, 400101, 400102, 400106, 400013:
		return Config
	case 40035, 43004, 400105, 460101, 101002:
		return Invalid
	}
	if code >= 400200 && code < 400700 || code >= 430100 && code < 430200 {
		return Invalid
	}
	return Unknown
}

// advice says what to do about a failure.
func advice(e *SendError) string {
	switch e.Kind {
	case Busy:
		return "DingTalk is in trouble itself, there is nothing to change here. Try again in a moment."
	case Network:
		return "Check that this machine reaches the webhook's host, through HTTPS_PROXY if it needs a proxy, and that no proxy or login portal answers in its place."
	case Throttled:
		return "A robot may send 20 messages a minute; DingTalk takes none for 10 minutes now. Merge messages, or use one robot for each purpose."
	case Security:
		return securityAdvice(e.Text)
	case Config:
		return configAdvice(e.Code)
	case Invalid:
		return invalidAdvice(e.Code)
	}
	return "Look the code up in DingTalk's list of error codes (open.dingtalk.com, page server-api-error-codes-1)."
}

// noSecret is the advice where 加签 is on and no call is signed: DingTalk then
// misses the timestamp, as if a clock were wrong.
const noSecret = "The robot has 加签 on and no secret is given: copy it (SEC…) from the robot's settings (安全设置 → 加签)."

func refusesSign(text string) bool {
	text = strings.ToLower(text)
	for _, word := range []string{"sign", "签名", "timestamp", "时间戳"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

var quotedIP = regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}`)

// securityAdvice tells the refusals of 310000 apart. DingTalk's words are English
// or Chinese, by age and region; those about a wrong sign mention the timestamp,
// too, so that the order counts.
func securityAdvice(text string) string {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(strings.ToLower(text), w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("keyword", "关键词"):
		return "The robot has 自定义关键词 on and the message holds none of its keywords: give one as keyword (Caddyfile), or write it into the message."
	case has("whitelist", "white list", "白名单", "ip地址"):
		address := "the public address of this server's outgoing calls"
		if ip := quotedIP.FindString(text); ip != "" {
			address = ip + ", the address that DingTalk saw,"
		}
		return fmt.Sprintf("The robot has IP地址（段） on: add %s to it in the robot's settings (安全设置). It takes IPv4 only; calls through a proxy need the proxy's address.", address)
	case has("sign not match", "签名不匹配"):
		return "The robot has 加签 on and the sign does not fit: copy the secret (SEC…) of this very robot from its settings (安全设置 → 加签)."
	case has("timestamp", "时间戳", "过期"):
		return "The sign's timestamp is more than an hour from DingTalk's clock: set this machine's clock (NTP)."
	case has("sign", "签名"):
		return "The robot has 加签 on and the call has no right sign: give the secret (SEC…) of this very robot from its settings (安全设置 → 加签)."
	}
	return "The robot's 安全设置 refuse the message. Compare all three: 自定义关键词 (a keyword in each message), 加签 (the secret), IP地址（段） (this server's address)."
}

func configAdvice(code string) string {
	switch code {
	case "400013":
		return "The group has been dissolved: add a robot to another group and take its webhook."
	case "400102":
		return "The robot has been switched off: switch it on in the group's settings (群设置 → 机器人)."
	}
	return "The webhook leads to no robot: it was removed, or its access_token is incomplete. Copy the webhook again from the robot's settings."
}

func invalidAdvice(code string) string {
	switch {
	case code == "460101" || code == "101002":
		return "The message is too long: shorten it."
	case strings.HasPrefix(code, "4301"):
		return "DingTalk takes the message's link, text or picture for unsafe: leave it out, or use a domain that DingTalk knows."
	case code == "43004":
		return "Something on the way out changes the call's Content-Type: look for a proxy."
	}
	return "DingTalk does not take the message: compare the field that it names with the page custom-robots-send-group-messages (open.dingtalk.com)."
}

// clean makes a text of others fit for a log: one line, at most 300 characters.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(text); len(runes) > 300 {
		text = fmt.Sprintf("%s…", string(runes[:299]))
	}
	return strings.TrimSpace(text)
}
