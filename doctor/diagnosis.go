// Package doctor says why dd.config fails in a page, and what to do about it:
// facts in, findings out. It does no I/O and keeps no state.
//
// The doctor page shows its findings in Chinese and English; the log has the same
// in English. What it advises is tried out first where the facts allow that: it
// rebuilds the URL with the proxy trusted, or with a further header believed, and
// names the line that makes the URL what the browser shows.
package doctor

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Text is a sentence in both languages. It ends without a full stop, and the
// English begins in lower case, so that texts can follow one another.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// say makes a Text. Both languages take the same arguments; a Text or an error among
// them is put in the language of the sentence.
func say(en, zh string, args ...any) Text {
	if len(args) == 0 {
		return Text{ZH: zh, EN: en}
	}
	return Text{ZH: fmt.Sprintf(zh, in(Chinese, args)...), EN: fmt.Sprintf(en, in(English, args)...)}
}

// Say is say for those who examine a configuration.
func Say(en, zh string, args ...any) Text { return say(en, zh, args...) }

// in returns arguments as a sentence in that language takes them.
func in(l Language, args []any) []any {
	args = slices.Clone(args)
	for i, arg := range args {
		switch arg := arg.(type) {
		case Text:
			args[i] = arg.In(l)
		case error:
			args[i] = Of(arg).In(l)
		}
	}
	return args
}

// join makes one Text of several.
func join(texts []Text, en, zh string) Text {
	var ens, zhs []string
	for _, t := range texts {
		ens, zhs = append(ens, t.EN), append(zhs, t.ZH)
	}
	return Text{ZH: strings.Join(zhs, zh), EN: strings.Join(ens, en)}
}

// Join is join for those who examine a configuration.
func Join(texts []Text, en, zh string) Text { return join(texts, en, zh) }

// Outcome is what became of dd.config in a page.
type Outcome string

const (
	Pending  Outcome = ""          // the page has not said yet
	Outside  Outcome = "outside"   // the browser is not DingTalk's
	Unsigned Outcome = "unsigned"  // there was no signature to try
	NoScript Outcome = "no_script" // DingTalk's JSAPI script could not be loaded
	Silent   Outcome = "silent"    // it answered nothing
	Ready    Outcome = "ready"     // it succeeded
	Failed   Outcome = "error"     // it failed, with a code and a message
)

// Facts are what is known of a page.
type Facts struct {
	Page     Page
	Request  Request
	Settings Settings
	Ticket   Ticket
	// Remote tells that the page was seen from outside: nothing is known of the request that
	// came to Caddy, nor of the settings.
	Remote bool
	// HeldBack are the patterns of a path matcher that keeps the endpoints away from the
	// directive, nil if none does.
	HeldBack []string
	// Tenantless is why the page is for none of several tenants, nil if it is for one.
	Tenantless *Tenantless
}

// Page is what the page says of itself.
type Page struct {
	URL     string        // what the browser shows, without fragment; "" if it has not said
	Signed  string        // what was signed, "" if nothing was
	Foreign bool          // nobody vouches for the host of URL: it is what a stranger may have made up
	Form    signer.Signer // the form of the signature that the page has
	Outcome Outcome
	Code    string // of dd.error: DingTalk's five digits, or its errorCode
	Message string // of dd.error, as DingTalk wrote it

	// Missed is the HTTP status that the browser got where the page's script asks config,
	// if the answer was not ours: 0 for none at all, nil if it was ours, or was not tried.
	Missed *int
	// Lost is the first script of the endpoints that the browser did not get, nil if it got
	// them, or has not tried.
	Lost *Script
}

// Request is what is known of a request that the page has made, or that it was
// made for.
type Request struct {
	signer.Request               // its Forwarded is ignored, Trusted and Early say the same
	Header         http.Header   // all of it, believed or not
	Peer           string        // the IP address of whoever is connected, without zone; "@" for a Unix socket
	Trusted        bool          // the peer is a trusted proxy
	SNI            string        // the name that the TLS handshake asked for
	Early          bool          // TLS early data: the peer's address is not proven
	Asked          string        // the URL that the browser has asked for by it, "" if unknown
	Vouched        bool          // somebody vouches for the host of Asked, whoever the peer is
	Unknown        *signer.Error // why its URL cannot be signed, nil if it can
}

// Settings are the lines of the directive that decide on URLs and signatures.
type Settings struct {
	Public     []signer.Origin
	PublicHost []string
	Forwarded  []string
	Signer     signer.Signer
	Endpoint   string
}

// Ticket is how the jsapi_ticket stands.
type Ticket struct {
	Held  bool
	Age   time.Duration
	Left  time.Duration // until it expires
	Err   error         // why none can be fetched, nil if one can
	Retry time.Duration // until DingTalk is asked again

	Listed Answer // DingTalk's refusal lists it
	Other  bool   // the page was signed with another one
}

// Answer is an answer that may be unknown.
type Answer int

const (
	Unknown Answer = iota
	Yes
	No
)

// Status is how grave a finding is.
type Status string

const (
	OK      Status = "ok"
	Open    Status = "open"    // it cannot be told, or not yet
	Warning Status = "warning" // it works, but something is not as it should be
	Error   Status = "error"   // it does not work
)

// Finding is one thing that was found, and what to do about it.
type Finding struct {
	Name   string `json:"name"` // what sort of finding it is, stable
	Status Status `json:"status"`
	Text   Text   `json:"text"`
	Cures  []Text `json:"cures"` // what to do, in this order; none where nothing is to be done

	lines []Line
}

// Advice is the text with what to do.
func (f Finding) Advice() Text {
	if len(f.Cures) == 0 {
		return f.Text
	}
	cure := f.Cure()
	return Text{EN: f.Text.EN + ": " + cure.EN, ZH: f.Text.ZH + "：" + cure.ZH}
}

// Cure is what to do.
func (f Finding) Cure() Text { return join(f.Cures, "; ", "；") }

// Diagnosis is all that is to be said about a page. The first of the findings is
// the verdict.
type Diagnosis struct {
	Findings []Finding  `json:"findings"`
	URL      URLs       `json:"url"`
	Request  Connection `json:"request"`
	Ticket   Held       `json:"ticket"`
	Config   Config     `json:"config"`
	Lines    []Line     `json:"lines"`
	Tenants  []Finding  `json:"tenants,omitempty"` // see Tenants; left out where the site has but one
	SignIn   []Finding  `json:"sign_in,omitempty"` // see SignIn; left out where the site has none
}

// URLs are the two URLs, with what differs in them.
type URLs struct {
	Shown   []Piece  `json:"shown"`
	Signed  []Piece  `json:"signed"`
	Differs []string `json:"differs"` // scheme, host, port, path, query
}

// Connection is where a request came from, and what its proxies said.
type Connection struct {
	Peer       string   `json:"peer"`
	Trusted    bool     `json:"trusted"`
	TLS        bool     `json:"tls"`
	EarlyData  bool     `json:"early_data"`
	ServerName string   `json:"sni"`
	Host       string   `json:"host"`
	Headers    []Belief `json:"headers"`
}

// Config is what became of dd.config.
type Config struct {
	Outcome Outcome `json:"outcome"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Meaning Text    `json:"meaning"`
}

// Examine says what is right and wrong with a page.
func Examine(f Facts) Diagnosis {
	findings := f.findings()
	for i := range findings {
		findings[i].Cures = notNil(findings[i].Cures)
	}
	d := Compare(f.Page.URL, f.Page.Signed)
	return Diagnosis{
		Findings: findings,
		URL:      URLs{notNil(d.Shown), notNil(d.Signed), notNil(d.Parts)},
		Request: Connection{
			Peer: f.Request.Peer, Trusted: f.Request.Trusted, TLS: f.Request.TLS, EarlyData: f.Request.Early,
			ServerName: f.Request.SNI, Host: f.Request.Host, Headers: notNil(Beliefs(f.Request, f.Settings)),
		},
		Ticket: f.Ticket.held(),
		Config: f.Page.config(),
		Lines:  notNil(linesOf(findings)),
	}
}

// Verdict is the finding that matters most.
func (d Diagnosis) Verdict() Finding { return d.Findings[0] }

// notNil makes an empty list of none, for JSON.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// findings are all of them, the gravest first.
func (f Facts) findings() []Finding {
	var out []Finding
	differs := f.Page.URL != "" && f.Page.Signed != "" && f.Page.URL != f.Page.Signed
	if f.Page.Signed == "" {
		out = append(out, f.unsigned())
	}
	if differs {
		out = append(out, f.mismatch())
	}
	switch {
	case f.HeldBack != nil:
		out = append(out, HeldBack(f.Settings.Endpoint, f.HeldBack))
	case f.Page.Missed != nil:
		out = append(out, f.missed())
	case f.Page.Lost != nil:
		out = append(out, lostScript(f.Settings.Endpoint, *f.Page.Lost))
	}
	switch f.Page.Outcome {
	case Failed:
		if !differs || !Refused(f.Page.Code, f.Page.Message) { // else it is what the difference leads to
			out = append(out, f.failure())
		}
	case NoScript:
		out = append(out, noScript)
	case Silent:
		out = append(out, silent)
	}
	if f.Ticket.Held && f.Ticket.Err != nil {
		out = append(out, f.Ticket.stale())
	}
	switch {
	case len(out) == 0:
		out = append(out, f.standing())
	case f.Page.Outcome == Outside:
		out = append(out, Finding{Name: "outside", Status: Open, Text: say("the rest can only be tried inside DingTalk", "其余的只能在钉钉里试"), Cures: onlyThere})
	}
	return out
}

var noScript = Finding{
	Name: "no_script", Status: Error,
	Text: say("DingTalk's JSAPI script cannot be loaded, so dd.config cannot be tried",
		"钉钉的 JSAPI 脚本加载失败，无法尝试 dd.config"),
	Cures: []Text{
		say("check that this phone reaches it", "检查手机能否访问脚本的地址"),
		say("in a closed network put the script on a server of your own and name it with jsapi_url", "内网环境请把脚本放到自己的服务器上，并用 jsapi_url 指定"),
	},
}

var silent = Finding{
	Name: "silent", Status: Error,
	Text: say("DingTalk has answered nothing to dd.config",
		"调用了 dd.config，但钉钉没有任何回应"),
	Cures: []Text{
		say("open the page from the workbench or a chat, not in a frame of another page", "请从工作台或聊天里打开本页，不要放在别的页面的 iframe 里"),
		say("update the DingTalk app", "升级钉钉客户端"),
	},
}

var onlyThere = []Text{say("open this page in DingTalk, for example from a message to yourself: dd.config works nowhere else",
	"请在钉钉里打开本页（例如把链接发给自己）：dd.config 只在钉钉里有效")}

// standing is what there is to say where nothing is wrong.
func (f Facts) standing() Finding {
	switch f.Page.Outcome {
	case Ready:
		if lines := FormLines(f.Settings.Signer, f.Page.Form); len(lines) > 0 {
			return f.acceptedForm(lines)
		}
		return Finding{Name: "ready", Status: OK, Text: say("all is well: DingTalk has accepted the signature", "一切正常：钉钉接受了签名")}
	case Outside:
		return Finding{Name: "outside", Status: Open, Cures: onlyThere, Text: say("so far all is well: the URL is right and there is a jsapi_ticket", "到这里一切正常：网址还原正确，ticket 可用")}
	}
	return Finding{Name: "pending", Status: Open, Text: say("trying dd.config …", "正在尝试 dd.config……")}
}
