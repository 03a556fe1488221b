package sandbox

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Hash is a hash function of the signature. DingTalk's check tells them apart by length.
type Hash string

// The hash functions that are in production.
const (
	SHA1   Hash = "sha1"
	SHA256 Hash = "sha256"
)

// Hashes are all the hash functions.
var Hashes = []Hash{SHA1, SHA256}

// ConfigParams are the parameters of dd.config as they reach the client app.
type ConfigParams struct {
	AgentID   string
	CorpID    string
	TimeStamp string
	NonceStr  string
	Signature string
	Type      string   // 0 or "" for an app, 1 for a service window
	JSAPIList []string // nil if missing
}

// UnmarshalJSON reads the object that a page gave to dd.config. Like the client app it takes numbers and
// strings alike, and ignores what it does not know.
func (p *ConfigParams) UnmarshalJSON(data []byte) error {
	var wire struct {
		AgentID   text     `json:"agentId"`
		CorpID    text     `json:"corpId"`
		TimeStamp text     `json:"timeStamp"`
		NonceStr  text     `json:"nonceStr"`
		Signature text     `json:"signature"`
		Type      text     `json:"type"`
		JSAPIList []string `json:"jsApiList"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*p = ConfigParams{
		AgentID:   string(wire.AgentID),
		CorpID:    string(wire.CorpID),
		TimeStamp: string(wire.TimeStamp),
		NonceStr:  string(wire.NonceStr),
		Signature: string(wire.Signature),
		Type:      string(wire.Type),
		JSAPIList: wire.JSAPIList,
	}
	return nil
}

// text is a JSON string, or a number as it is written.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, (*string)(t))
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*t = text(number)
	return nil
}

// Verdict is what the client app thinks of a dd.config call.
type Verdict struct {
	OK      bool
	Code    int    // DingTalk's five-digit code, 0 if OK
	Message string // DingTalk's words, without the code

	URL  string // the URL that was checked, without its fragment
	Form Form   // the form of it that was signed, if OK
	Hash Hash   // the hash that signed it, if OK
}

// Refusal is the error object that the page gets.
type Refusal struct {
	ErrorCode    int    `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
}

// Refusal returns the error object as that platform's client words it (openapi-demo-java issue 2 for phones,
// developer.aliyun.com/ask/212773 for pc), or nil if the verdict is OK.
func (v Verdict) Refusal(platform string) *Refusal {
	switch {
	case v.OK:
		return nil
	case platform == "pc":
		return &Refusal{9, v.Message}
	default:
		return &Refusal{3, fmt.Sprintf("Code:%d - Message:%s", v.Code, v.Message)}
	}
}

// refusals are DingTalk's words for its codes (server-api-error-codes-1), but for 52013, which says more.
var refusals = map[int]string{
	52010: "无效的corpid",
	52015: "无效的随机字符串参数",
	52016: "无效的签名参数",
	52017: "无效的jsapi列表参数",
	52018: "无效的时间戳",
	52019: "无效的agentid",
	52022: "无效的jsapi类型",
}

// Verify is the check behind dd.config: with every living ticket of the organisation it hashes the URL that the client app knows
// the page by (href, whose fragment does not count: on Android the one the page was opened with, elsewhere the
// one it shows) in each accepted form, by the hash function that the signature's length names.
func (d *DingTalk) Verify(p ConfigParams, href string) Verdict {
	pageURL, _, _ := strings.Cut(href, "#")
	v := Verdict{URL: pageURL}
	if code := d.inspect(p); code != 0 {
		v.Code, v.Message = code, refusals[code]
		return v
	}
	h, form, hash, ok := d.match(p, pageURL)
	switch {
	case !ok:
		v.Code, v.Message = 52013, d.mismatch(p, pageURL)
	case (p.Type == "1") != (h.kind == Channel) || !d.isAgentOf(h, p.AgentID): // a ticket of the wrong login shows as a wrong agentId
		v.Code, v.Message = 52019, refusals[52019]
	default:
		v.OK, v.Form, v.Hash = true, form, hash
	}
	return v
}

// inspect returns the code of the first parameter that is missing or of nobody, or 0.
func (d *DingTalk) inspect(p ConfigParams) int {
	switch {
	case p.Signature == "":
		return 52016
	case p.NonceStr == "":
		return 52015
	case p.TimeStamp == "":
		return 52018
	case p.JSAPIList == nil:
		return 52017
	case !slices.Contains([]string{"", "0", "1"}, p.Type):
		return 52022
	}
	holders := d.holdersOf(p.CorpID)
	switch {
	case len(holders) == 0:
		return 52010
	case !slices.ContainsFunc(holders, func(h holder) bool { return d.isAgentOf(h, p.AgentID) }):
		return 52019
	}
	return 0
}

// holdersOf are all whose tickets may sign for an organisation: its own apps, and the suites
// that it has.
func (d *DingTalk) holdersOf(corp string) []holder {
	var all []holder
	for _, a := range d.accounts {
		if a.CorpID == corp {
			all = append(all, a.of(App), a.of(Corp), a.of(Channel))
		}
	}
	for _, s := range d.Suites() {
		if _, known := d.authorization(s.Key, corp); known {
			all = append(all, holder{ISV, s.Key, corp})
		}
	}
	return all
}

// isAgentOf tells whether an agentId is that of an app which that ticket is for.
func (d *DingTalk) isAgentOf(h holder, agentID string) bool {
	if h.kind == ISV {
		a, _ := d.authorization(h.app, h.corp)
		return a.State == Authorized && slices.ContainsFunc(a.Agents, func(a Agent) bool { return a.AgentID == agentID })
	}
	return slices.ContainsFunc(d.accounts, func(a Account) bool { return a.of(h.kind) == h && a.AgentID == agentID })
}

// ticketsOf are the living ones of an organisation.
func (d *DingTalk) ticketsOf(corp string) map[holder]string {
	living := make(map[holder]string)
	for _, h := range d.holdersOf(corp) {
		if ticket := d.org.livingTicket(h); ticket != "" {
			living[h] = ticket
		}
	}
	return living
}

// match looks for the ticket, form and hash that the signature was made with.
func (d *DingTalk) match(p ConfigParams, pageURL string) (holder, Form, Hash, bool) {
	for h, ticket := range d.ticketsOf(p.CorpID) {
		for _, form := range d.options.AcceptForms {
			for _, hash := range d.options.AcceptHashes {
				if p.Signature == sign(hash, ticket, p.NonceStr, p.TimeStamp, form.Of(pageURL)) {
					return h, form, hash, true
				}
			}
		}
	}
	return holder{}, "", "", false
}

// sign is the JSAPI signature (jsapi-authentication): a hash in lower-case hex.
func sign(hash Hash, ticket, nonceStr, timeStamp, url string) string {
	plain := []byte("jsapi_ticket=" + ticket + "&noncestr=" + nonceStr + "&timestamp=" + timeStamp + "&url=" + url)
	if hash == SHA256 {
		sum := sha256.Sum256(plain)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(plain)
	return hex.EncodeToString(sum[:])
}

// mismatch is the text of 52013, which lists what DingTalk computed with; tickets are masked.
func (d *DingTalk) mismatch(p ConfigParams, pageURL string) string {
	var masked []string
	for _, ticket := range d.ticketsOf(p.CorpID) {
		masked = append(masked, ticket[:10]+"***"+ticket[len(ticket)-10:])
	}
	slices.Sort(masked)
	return fmt.Sprintf("签名校验失败,nonce:[%s],timestamp:[%s],url:[%s],ticketList:[%s]",
		p.NonceStr, p.TimeStamp, pageURL, strings.Join(masked, ", "))
}
