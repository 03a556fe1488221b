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
// and what systems say of files and connections. What others wrote stays as it is.
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
	text.ZH = systemPhrases.Replace(text.ZH)
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

// systemPhrases are what systems and Go's packages say of files and connections, and what
// oapi says of answers that are not DingTalk's.
var systemPhrases = strings.NewReplacer(
	"no such file or directory", "没有这个文件或目录",
	"permission denied", "没有权限",
	"is a directory", "这是一个目录",
	"read-only file system", "文件系统只读",
	"no space left on device", "磁盘已满",
	"connection refused", "连接被拒绝",
	"connection reset by peer", "连接被对方断开",
	"network is unreachable", "网络不可达",
	"no route to host", "没有到这台主机的路由",
	"no such host", "没有这个主机名",
	"server misbehaving", "DNS 服务器出错",
	"Temporary failure in name resolution", "域名解析暂时失败",
	"i/o timeout", "超时",
	"context deadline exceeded", "超时",
	"context canceled", "已取消",
	"unexpected EOF", "连接中途断开",
	"certificate signed by unknown authority", "证书的签发者不受信任",
	"certificate has expired or is not yet valid", "证书过期或尚未生效",
)
