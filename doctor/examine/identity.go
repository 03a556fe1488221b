package examine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// identity checks what dd.config needs besides a signature. DingTalk takes whatever
// stands there until a page calls dd.config, so what is not proven is said to be so.
func (c *calls) identity(ctx context.Context, settings *config.Config) []Check {
	const name = "corp_id"
	switch {
	case errors.Is(c.access.err, errUnreached):
		return []Check{unchecked(name, doctor.Of(errUnreached)), openCheck(doctor.AgentUnproven)}
	case c.access.err != nil:
		return []Check{unchecked(name, say("DingTalk looks at the credentials first", "钉钉先检查密钥")), openCheck(doctor.AgentUnproven)}
	}
	return []Check{openCheck(c.belonging(ctx, settings).Finding()), openCheck(doctor.AgentUnproven)}
}

// belonging asks DingTalk for a token of the app in its organisation, and in one that is
// not there: only if the two answers differ the first one tells something.
func (c *calls) belonging(ctx context.Context, settings *config.Config) (b doctor.Belonging) {
	switch settings.Credential() {
	case config.Corp, config.Channel:
		b.Named = true
		return b
	case config.LegacyApp:
		return b // the secret goes to the host of its login only
	}
	b.Asked = true
	if b.Here = c.inCorp(ctx, settings.CorpID); b.Here != nil {
		b.Unknown = !refuses(b.Here)
		return b
	}
	if b.Nowhere = c.inCorp(ctx, noCorp()); b.Nowhere != nil && !refuses(b.Nowhere) {
		b.Unknown, b.Here = true, b.Nowhere
	}
	return b
}

// noCorp is a corpId that no organisation has.
func noCorp() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return "ding" + hex.EncodeToString(id[:])
}

// refuses reports whether DingTalk has understood a call and said no to it.
func refuses(err error) bool {
	return slices.Contains([]oapi.Kind{oapi.Credentials, oapi.NotAuthorized, oapi.Token, oapi.Other}, oapi.KindOf(err))
}
