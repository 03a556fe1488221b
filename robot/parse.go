package robot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Parse reads a message from the JSON that DingTalk takes, without letting any
// field pass by that DingTalk would overlook: names count by their case, link has
// messageUrl and picUrl, feedCard messageURL and picURL. Every error is an
// *InvalidError. A msgUuid is not kept. The message is not validated yet.
func Parse(content []byte) (Message, error) {
	o, err := object("", "", content)
	if err != nil {
		return nil, err
	}
	kind := o.text("msgtype")
	if o.err != nil {
		return nil, o.err
	}
	o.messageType = kind
	o.skip("msgUuid")
	m, err := o.message(kind)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (o *fields) message(kind string) (Message, error) {
	switch kind {
	case "text":
		m, in := Text{At: o.at()}, o.object("text")
		m.Content = in.text("content")
		return m, failure(in.end(), o.end())
	case "markdown":
		m, in := Markdown{At: o.at()}, o.object("markdown")
		m.Title, m.Text = in.text("title"), in.text("text")
		return m, failure(in.end(), o.end())
	case "link":
		in := o.object("link")
		m := Link{in.text("title"), in.text("text"), in.text("messageUrl"), in.text("picUrl")}
		return m, failure(in.end(), o.end())
	case "actionCard":
		in := o.object("actionCard")
		m := ActionCard{
			Title: in.text("title"), Text: in.text("text"), SingleTitle: in.text("singleTitle"), SingleURL: in.text("singleURL"),
			Orientation: in.digit("btnOrientation"), HideAvatar: in.digit("hideAvatar"),
		}
		for _, b := range in.objects("btns") {
			m.Buttons = append(m.Buttons, Button{b.text("title"), b.text("actionURL")})
			in.keep(b.end())
		}
		return m, failure(in.end(), o.end())
	case "feedCard":
		in := o.object("feedCard")
		var m FeedCard
		for _, l := range in.objects("links") {
			m.Links = append(m.Links, FeedLink{l.text("title"), l.text("messageURL"), l.text("picURL")})
			in.keep(l.end())
		}
		return m, failure(in.end(), o.end())
	case "":
		return nil, &InvalidError{"", "msgtype", "is missing: write text, markdown, link, actionCard or feedCard"}
	}
	return nil, &InvalidError{"", "msgtype", fmt.Sprintf("is %q: write text, markdown, link, actionCard or feedCard", kind)}
}

func (o *fields) at() (at At) {
	if _, ok := o.members["at"]; !ok {
		return at
	}
	in := o.object("at")
	at.Mobiles, at.UserIDs = in.texts("atMobiles"), in.texts("atUserIds")
	at.All = in.flag("isAtAll")
	o.keep(in.end())
	return at
}

// fields are the members of one JSON object, and which of them have been read.
type fields struct {
	messageType, path string
	members           map[string]json.RawMessage
	read              []string
	err               error // the first
}

func object(messageType, path string, content []byte) (*fields, error) {
	o := &fields{messageType: messageType, path: path}
	dec := json.NewDecoder(bytes.NewReader(content))
	if err := dec.Decode(&o.members); err != nil || o.members == nil {
		return o, o.fault("", "is not a JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return o, o.fault("", "has something behind its JSON object")
	}
	return o, nil
}

func (o *fields) fault(name, reason string) error {
	field := strings.TrimSuffix(o.path+name, ".")
	if o.messageType == "" && field == "" {
		field = "the message"
	}
	return &InvalidError{o.messageType, field, reason}
}

func (o *fields) keep(err error) {
	if o.err == nil {
		o.err = err
	}
}

func (o *fields) skip(name string) { o.read = append(o.read, name) }

func (o *fields) member(name string) (json.RawMessage, bool) {
	o.skip(name)
	raw, ok := o.members[name]
	return raw, ok && string(raw) != "null"
}

func (o *fields) into(name, what string, v any) {
	raw, ok := o.member(name)
	if ok && json.Unmarshal(raw, v) != nil {
		o.keep(o.fault(name, "must be "+what))
	}
}

func (o *fields) text(name string) (s string) {
	o.into(name, "text", &s)
	return s
}

// digit takes 0 and 1 as numbers, too.
func (o *fields) digit(name string) string {
	if raw, ok := o.member(name); ok && (string(raw) == "0" || string(raw) == "1") {
		return string(raw)
	}
	return o.text(name)
}

func (o *fields) texts(name string) (list []string) {
	o.into(name, "a list of texts", &list)
	return list
}

func (o *fields) flag(name string) (b bool) {
	o.into(name, "true or false", &b)
	return b
}

func (o *fields) object(name string) *fields {
	raw, ok := o.member(name)
	if !ok {
		raw = json.RawMessage("{}")
	}
	path := o.path + name + "."
	if name == o.messageType {
		path = ""
	}
	in, err := object(o.messageType, path, raw)
	o.keep(err)
	return in
}

func (o *fields) objects(name string) (list []*fields) {
	var raws []json.RawMessage
	o.into(name, "a list", &raws)
	for i, raw := range raws {
		in, err := object(o.messageType, fmt.Sprintf("%s%s[%d].", o.path, name, i), raw)
		o.keep(err)
		list = append(list, in)
	}
	return list
}

// end refuses members that nobody has asked for.
func (o *fields) end() error {
	if o.err != nil {
		return o.err
	}
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if slices.Contains(o.read, name) {
			continue
		}
		for _, known := range o.read {
			if strings.EqualFold(known, name) {
				return o.fault(name, "must be written "+known+": DingTalk overlooks it otherwise")
			}
		}
		return o.fault(name, "is not a field that robot/send has here: it has "+strings.Join(o.read, ", "))
	}
	return nil
}

func failure(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
