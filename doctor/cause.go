package doctor

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// Of is an error in both languages. In English it is the error's own text; in Chinese
// what is known of it stands in Chinese: mistakes in a configuration, calls of DingTalk,
// and what Caddy and systems say. What others wrote stays as it is. Behind what Caddy says
// of a configuration that it cannot read stands what to do.
func Of(err error) Text {
	text := Text{EN: err.Error(), ZH: err.Error()}
	var mistake *MistakeError
	var refused *oapi.Error
	switch {
	case errors.As(err, &mistake):
		text.ZH = strings.Replace(text.ZH, mistake.text.EN, mistake.text.ZH, 1)
	case errors.As(err, &refused):
		text.ZH = strings.Replace(text.ZH, refused.Error(), called(refused), 1)
	}
	text.ZH = chinese(text.ZH)
	if cure := readingCure(text.EN); mistake == nil && cure != (Text{}) {
		text.EN, text.ZH = text.EN+"\n"+cure.EN, text.ZH+"\n"+cure.ZH
	}
	return text
}

// called is the text of a call's error in Chinese.
func called(e *oapi.Error) string {
	s := "调用 " + e.Call
	if e.Code != "" {
		s += " 被拒绝，错误码 " + e.Code
	}
	if e.Status != 0 && e.Status != http.StatusOK {
		s += fmt.Sprintf("，HTTP 状态码 %d", e.Status)
	}
	if e.Message != "" {
		s += "：" + e.Message
	}
	if e.Err != nil {
		s += "：" + Of(e.Err).ZH
	}
	return s
}
