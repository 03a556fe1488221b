package observe

import (
	"go.uber.org/zap"

	"github.com/caddy-dingtalk/caddy-dingtalk/inject"
)

// left are the outcomes of documents that pass without the script.
var left = map[inject.Outcome]Passed{
	inject.UnknownCoding: UnknownCoding,
	inject.NoPlace:       NoPlace,
	inject.NoASCII:       NoASCII,
	inject.Busy:          Busy,
}

// LeftAlone counts a document of a host that passed without the script, and tells
// why. coding is its unknown content coding, "" if there is none.
func (n *Notices) LeftAlone(o inject.Outcome, host, coding string) {
	why, is := left[o]
	if !is {
		return
	}
	fields := []zap.Field{zap.String("host", host)}
	if coding != "" {
		fields = append(fields, zap.String("content_encoding", coding))
	}
	n.Passed(why, fields...)
}
