package sandbox

import (
	"crypto/rand"
	"time"
)

// codeLife is how long a code is good for (several official pages).
const codeLife = 5 * time.Minute

// codeKind tells codes apart: none is good for another call than its own.
type codeKind string

const (
	appCode     codeKind = "app"     // runtime.permission.requestAuthCode
	channelCode codeKind = "channel" // channel.permission.requestAuthCode
	oauthCode   codeKind = "oauth"   // DingTalk's OAuth2 page
)

// issued is a code that nobody has spent yet.
type issued struct {
	kind codeKind
	who  Person
	corp string // that the page named, or the user chose on the OAuth2 page
	at   time.Time
}

// Code gives a code for a person, as the client app or the OAuth2 page does. kind is app,
// channel or oauth. It returns "" for somebody who is unknown.
func (d *DingTalk) Code(kind, user string) string { return d.CodeFor(d.options.CorpID, kind, user) }

// CodeFor is Code for a page of another organisation.
func (d *DingTalk) CodeFor(corp, kind, user string) string {
	p, ok := d.who(user)
	if !ok {
		return ""
	}
	return d.issueCode(codeKind(kind), p, corp)
}

func (d *DingTalk) issueCode(kind codeKind, p Person, corp string) string {
	code := "code" + rand.Text()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.codes[code] = issued{kind, p, corp, d.options.Now()}
	d.everCoded = append(d.everCoded, code)
	return code
}

// Codes returns every code ever given. None of them may show up in a log.
func (d *DingTalk) Codes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.everCoded...)
}

// take spends a code. One of another kind is spent with it, as nobody says that it is not.
func (d *DingTalk) take(code string, kind codeKind) (issued, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, known := d.codes[code]
	delete(d.codes, code)
	return c, known && c.kind == kind && d.options.Now().Sub(c.at) < codeLife
}

// spend is take for the calls of oapi, with their refusals. A code is good with a token of
// its own organisation only.
func (d *DingTalk) spend(q request, code string, kind codeKind) (p Person, refusal reply, ok bool) {
	if code == "" {
		return Person{}, legacyRefusal(41026, "缺少code参数"), false
	}
	c, ok := d.take(code, kind)
	if !ok || c.corp != d.callerOf(q) {
		return Person{}, legacyRefusal(40078, "不存在的临时授权码"), false
	}
	if kind == appCode && !c.who.member() {
		return Person{}, legacyRefusal(50002, "请求的员工userid不在授权范围内"), false
	}
	return c.who, reply{}, true
}

// within counts a call, and reports whether it is one of those that an organisation may
// make of an API in a second.
func (d *DingTalk) within(name string) bool {
	if d.options.Rate <= 0 {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.options.Now()
	recent := d.recent[name]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Second {
		recent = recent[1:]
	}
	if len(recent) >= d.options.Rate {
		d.recent[name] = recent
		return false
	}
	d.recent[name] = append(recent, now)
	return true
}
