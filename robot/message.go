package robot

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Message is what a robot says: a [Text], [Markdown], [Link], [ActionCard] or
// [FeedCard].
type Message interface {
	// Validate returns an *InvalidError for the first field that would keep the
	// message from being shown. It makes no call.
	Validate() error

	// body is what DingTalk gets.
	body() body
	// with returns the message with a keyword put in front, if it has none.
	with(keyword string) Message
}

// At says who is told by name. DingTalk takes at most 50, in text and markdown
// only.
type At struct {
	// Mobiles are mobile numbers: digits, abroad as +1-1234567890.
	Mobiles []string
	// UserIDs are userids of the organisation.
	UserIDs []string
	// All tells everybody in the group.
	All bool
}

// Add adds somebody: a mobile number, a userid behind an @, or everybody as all.
func (a *At) Add(name string) {
	switch id, isUser := strings.CutPrefix(name, "@"); {
	case id == "all":
		a.All = true
	case isUser:
		a.UserIDs = append(a.UserIDs, id)
	default:
		a.Mobiles = append(a.Mobiles, name)
	}
}

// Text is plain text.
type Text struct {
	Content string // required
	At      At
}

// Markdown is DingTalk's subset of Markdown: headings, quotes, bold, italics,
// links, pictures and lists.
type Markdown struct {
	Title string // required: the line in the list of conversations
	Text  string // required
	At    At
}

// Link is a card that opens a page.
type Link struct {
	Title      string // required
	Text       string // required
	MessageURL string // required: http, https or dingtalk
	PicURL     string // http or https
}

// ActionCard is Markdown with buttons: one, by SingleTitle and SingleURL, or
// several, by Buttons.
type ActionCard struct {
	Title       string // required
	Text        string // required: Markdown
	SingleTitle string
	SingleURL   string
	Buttons     []Button
	// Orientation is "0", buttons below one another, or "1", side by side.
	Orientation string
	// HideAvatar is "0" or "1": whether the robot's picture is left out.
	HideAvatar string
}

// Button is one of several of an [ActionCard]. Both fields are required.
type Button struct {
	Title     string
	ActionURL string
}

// FeedCard is a list of pictures with titles.
type FeedCard struct {
	Links []FeedLink // at least one
}

// FeedLink is one line of a [FeedCard]. All fields are required.
type FeedLink struct {
	Title      string
	MessageURL string
	PicURL     string
}

// Once gives a message its identity, a fresh msgUuid: however often it is sent,
// after timeouts for example, DingTalk shows it once. Without it each
// [Robot.Send] is a message of its own.
func Once(m Message) Message {
	if o, ok := m.(once); ok {
		m = o.Message
	}
	return once{m, newUUID()}
}

// once is a message with its msgUuid.
type once struct {
	Message
	uuid string
}

func (m once) body() body {
	b := m.Message.body()
	b.MsgUUID = m.uuid
	return b
}

func (m once) with(keyword string) Message { return once{m.Message.with(keyword), m.uuid} }

// body is the JSON of robot/send (custom-robots-send-group-messages,
// 2026-07-14). Link has messageUrl and picUrl, feedCard messageURL and picURL.
type body struct {
	Type       string          `json:"msgtype"`
	Text       *textBody       `json:"text,omitempty"`
	Markdown   *markdownBody   `json:"markdown,omitempty"`
	Link       *linkBody       `json:"link,omitempty"`
	ActionCard *actionCardBody `json:"actionCard,omitempty"`
	FeedCard   *feedCardBody   `json:"feedCard,omitempty"`
	At         *atBody         `json:"at,omitempty"`
	MsgUUID    string          `json:"msgUuid,omitempty"`
}

type textBody struct {
	Content string `json:"content"`
}

type markdownBody struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type linkBody struct {
	Title      string `json:"title"`
	Text       string `json:"text"`
	MessageURL string `json:"messageUrl"`
	PicURL     string `json:"picUrl,omitempty"`
}

type actionCardBody struct {
	Title       string       `json:"title"`
	Text        string       `json:"text"`
	Orientation string       `json:"btnOrientation,omitempty"`
	HideAvatar  string       `json:"hideAvatar,omitempty"`
	SingleTitle string       `json:"singleTitle,omitempty"`
	SingleURL   string       `json:"singleURL,omitempty"`
	Buttons     []buttonBody `json:"btns,omitempty"`
}

type buttonBody struct {
	Title     string `json:"title"`
	ActionURL string `json:"actionURL"`
}

type feedCardBody struct {
	Links []feedLinkBody `json:"links"`
}

type feedLinkBody struct {
	Title      string `json:"title"`
	MessageURL string `json:"messageURL"`
	PicURL     string `json:"picURL"`
}

type atBody struct {
	Mobiles []string `json:"atMobiles,omitempty"`
	UserIDs []string `json:"atUserIds,omitempty"`
	All     bool     `json:"isAtAll,omitempty"`
}

func (m Text) body() body {
	return body{Type: "text", Text: &textBody{m.At.into(m.Content, " ")}, At: m.At.body()}
}

func (m Markdown) body() body {
	return body{Type: "markdown", Markdown: &markdownBody{m.Title, m.At.into(m.Text, "\n\n")}, At: m.At.body()}
}

func (m Link) body() body {
	return body{Type: "link", Link: &linkBody{m.Title, m.Text, m.MessageURL, m.PicURL}}
}

func (m ActionCard) body() body {
	card := &actionCardBody{
		Title: m.Title, Text: m.Text, SingleTitle: m.SingleTitle, SingleURL: m.SingleURL,
		Orientation: m.Orientation, HideAvatar: m.HideAvatar,
	}
	for _, b := range m.Buttons {
		card.Buttons = append(card.Buttons, buttonBody(b))
	}
	return body{Type: "actionCard", ActionCard: card}
}

func (m FeedCard) body() body {
	card := new(feedCardBody)
	for _, l := range m.Links {
		card.Links = append(card.Links, feedLinkBody(l))
	}
	return body{Type: "feedCard", FeedCard: card}
}

func (a At) body() *atBody {
	if len(a.Mobiles) == 0 && len(a.UserIDs) == 0 && !a.All {
		return nil
	}
	return &atBody{a.Mobiles, a.UserIDs, a.All}
}

// into appends the names that the text lacks: DingTalk highlights those only that
// the text has as well.
func (a At) into(text, gap string) string {
	for _, list := range [][]string{a.Mobiles, a.UserIDs} {
		for _, name := range list {
			if !mentions(text, name) {
				text += gap + "@" + name
				gap = " "
			}
		}
	}
	return text
}

// mentions reports whether the text has @name, not followed by more of a name.
func mentions(text, name string) bool {
	for {
		_, rest, found := strings.Cut(text, "@"+name)
		if !found {
			return false
		}
		if rest == "" || !partOfName(rest[0]) {
			return true
		}
		text = rest
	}
}

func partOfName(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// MarshalJSON returns the body of robot/send.
func (m Text) MarshalJSON() ([]byte, error) { return encode(m.body()) }

// MarshalJSON returns the body of robot/send.
func (m Markdown) MarshalJSON() ([]byte, error) { return encode(m.body()) }

// MarshalJSON returns the body of robot/send.
func (m Link) MarshalJSON() ([]byte, error) { return encode(m.body()) }

// MarshalJSON returns the body of robot/send.
func (m ActionCard) MarshalJSON() ([]byte, error) { return encode(m.body()) }

// MarshalJSON returns the body of robot/send.
func (m FeedCard) MarshalJSON() ([]byte, error) { return encode(m.body()) }

// MarshalJSON returns the body of robot/send, with its msgUuid.
func (m once) MarshalJSON() ([]byte, error) { return encode(m.body()) }

// encode leaves <, > and & as they are: escapes would count as six bytes each.
func encode(b body) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(b); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
