package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

const hook = "https://oapi.dingtalk.com/robot/send?access_token=t0ken"

func parse(block string) (*Robot, error) {
	h := new(Robot)
	d := caddyfile.NewTestDispenser("dingtalk_robot {\n" + block + "\n}")
	return h, h.UnmarshalCaddyfile(d)
}

func TestTheCaddyfileBecomes(t *testing.T) {
	tests := map[string]struct{ block, want string }{
		"the contract's own example": {
			"webhook {env.W}\nsecret {env.S}\nmarkdown \"T {event.data.app}\" \"**{event.data.kind}**\"\nat 13800138000 @user123",
			`{"webhook":"{env.W}","secret":"{env.S}","markdown":{"title":"T {event.data.app}","text":"**{event.data.kind}**"},"at":["13800138000","@user123"]}`,
		},
		"everything of a text": {
			"webhook " + hook + "\nsecret SECx\nkeyword 告警\ntext hi\nat all\nevery 1m",
			`{"webhook":"` + hook + `","secret":"SECx","keyword":"告警","text":"hi","at":["all"],"every":60000000000}`,
		},
		"a link with a picture": {
			"webhook {env.W}\nlink t x {env.URL} https://example.com/p.png",
			`{"webhook":"{env.W}","link":{"title":"t","text":"x","url":"{env.URL}","picture":"https://example.com/p.png"}}`,
		},
		"a card": {
			"webhook {env.W}\naction_card t x go https://example.com/{event.data.id}",
			`{"webhook":"{env.W}","action_card":{"title":"t","text":"x","button":"go","url":"https://example.com/{event.data.id}"}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h, err := parse(test.block)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(h)
			if strings.TrimSpace(got.String()) != test.want {
				t.Errorf("got %s", got.String())
			}
		})
	}
}

func TestTheCaddyfileIsRefusedWithLineAndCure(t *testing.T) {
	const w = "webhook " + hook + "\n"
	tests := map[string]struct{ block, want, line string }{
		"no webhook":                   {"text hi", "webhook is missing", ":1"},
		"a webhook without token":      {"webhook https://oapi.dingtalk.com/robot/send", "webhook has no access_token", ":2"},
		"a webhook not copied whole":   {"webhook https://oapi.dingtalk.com/robot/send?access_token=t0ken…", "webhook has an access_token with characters", ":2"},
		"a secret not copied whole":    {w + "secret SECt0ps3cret…", "secret was not copied whole", ":3"},
		"a secret with a semicolon":    {w + "secret SECt0ps3cret;", "a semicolon", ":3"},
		"another host over http":       {"webhook http://example.com/?access_token=t0ken", "write https://", ":2"},
		"a secret of another form":     {w + "secret t0ps3cret", "begins with SEC", ":3"},
		"a link without text":          {w + "link t \"\" https://example.com/", "link.text is missing", ":3"},
		"a link with two arguments":    {w + "link t https://example.com/", "needs <title> <text> <url>", ":3"},
		"a link to nowhere":            {w + "link t x /page", "link.messageUrl must be a full URL", ":3"},
		"an empty text":                {w + "text \" \"", "text.content is missing", ":3"},
		"markdown without text":        {w + "markdown t", "needs <title> <text>", ":3"},
		"a card without button":        {w + "action_card t x \"\" https://example.com/", "actionCard.singleTitle is missing", ":3"},
		"two messages":                 {w + "text hi\nmarkdown t x", "markdown is a second message", ":4"},
		"at with a link":               {w + "link t x https://example.com/\nat all", "text and markdown only", ":4"},
		"at with a name":               {w + "at bob", "13800138000", ":3"},
		"every too short":              {w + "every 1s", "at least 3s", ":3"},
		"every that is no time":        {w + "every often", "for example 10s", ":3"},
		"an unknown subdirective":      {w + "webhok x", "unrecognized subdirective", ":3"},
		"a subdirective twice":         {w + w, "given twice", ":3"},
		"a message longer than a body": {w + "text " + strings.Repeat("x", 20_000), "text.content is too long", ":3"},
		"more people than can be told": {w + "at " + strings.Repeat("@u ", 51), "names 51 people", ":3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse(test.block)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "Testfile"+test.line) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "t0ps3cret") {
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
	h := new(Robot)
	if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("dingtalk_robot " + hook)); err == nil || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("an argument behind the name: %v", err)
	}
}

func TestEventValuesAreWrittenAs(t *testing.T) {
	data := map[string]any{
		"plain": "snake_case of 2 words", "markup": "[x](http://evil) **b** `c`", "lines": "a\nb\x00\u202ec",
		"long": strings.Repeat("字", 600), "list": "1. first", "heading": "# h", "float": 2.5, "err": errors.New("e"), "empty": "",
		"placeholder": "{env.HOME}", "struct": struct{ A string }{"secret"}, "names": []string{"a", "b"},
	}
	e := event("test", data)
	tests := map[string]struct{ template, want string }{
		"plain text":                       {"{event.data.plain}", "snake_case of 2 words"},
		"markup is escaped":                {"{event.data.markup}", "\\[x\\](http://evil) \\*\\*b\\*\\* \\`c\\`"},
		"lines become one":                 {"{event.data.lines}", "a bc"},
		"500 characters at most":           {"{event.data.long}", strings.Repeat("字", 499) + "…"},
		"a list is none":                   {"{event.data.list}", "1\\. first"},
		"a heading is none":                {"{event.data.heading}", "\\# h"},
		"numbers and errors":               {"{event.data.float} {event.data.err}", "2.5 e"},
		"what is missing":                  {"{event.data.nothing} {event.data.empty} {event.nothing}", "- - -"},
		"a placeholder in a value is none": {"{event.data.placeholder}", "{env.HOME}"},
		"a struct tells its type only":     {"{event.data.struct}", "(struct { A string })"},
		"a short list":                     {"{event.data.names}", "\\[a b\\]"},
		"the event's own":                  {"{event.name}: {event}", "test: test"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := template{form: markdownForm, title: "t", text: test.template}.fill(e)
			if got.text != test.want {
				t.Errorf("got %q, want %q", got.text, test.want)
			}
		})
	}
	t.Run("a part of a URL is encoded, a whole one is not", func(t *testing.T) {
		e := event("test", map[string]any{"id": "a b&c/d", "url": "https://example.com/?a=b"})
		got := template{form: linkForm, title: "t", text: "x", url: "https://example.com/{event.data.id}", extra: "{event.data.url}"}.fill(e)
		if got.url != "https://example.com/a%20b%26c%2Fd" || got.extra != "https://example.com/?a=b" {
			t.Errorf("got %q, %q", got.url, got.extra)
		}
	})
}

// ownEvents are the events that observe names.
func ownEvents(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../observe/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("reading observe: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\tEvent\w+ += "(\w+)"`).FindAllSubmatch(content, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}

func TestEventsOfOurOwnAreToldInBothLanguages(t *testing.T) {
	for _, name := range ownEvents(t) {
		t.Run(name, func(t *testing.T) {
			found, ours := doctor.Event(name)
			if !ours {
				t.Fatal("the doctor does not say what it means")
			}
			h, _ := handler(t, new(group), nil, nil)
			c, ok := h.content(event(name, map[string]any{"app": "app_1", "advice": "Do *this*.", "advice_zh": "请*这样*"}))
			if !ok || c.title != "[web-1] "+name {
				t.Fatalf("title %q, %v", c.title, ok)
			}
			for _, want := range []string{found.Text.ZH, found.Text.EN, "怎么办：请\\*这样\\*", "What to do: Do \\*this\\*.", "- app: app_1"} {
				if !strings.Contains(c.text, want) {
					t.Errorf("%q lacks %q", c.text, want)
				}
			}
		})
	}
	t.Run("what the doctor always advises, where the event says nothing", func(t *testing.T) {
		h, _ := handler(t, new(group), nil, nil)
		c, _ := h.content(event("dingtalk_signature_refused", nil))
		if !strings.Contains(c.text, "怎么办：反复出现时") || !strings.Contains(c.text, "What to do: Should it come back") {
			t.Errorf("got %q", c.text)
		}
	})
	t.Run("other events are a list of their data", func(t *testing.T) {
		h, _ := handler(t, new(group), nil, nil)
		c, _ := h.content(event("cert_failed", map[string]any{"b": "x", "a": 1}))
		if c.title != "[web-1] cert_failed" || c.text != "- a: 1\n- b: x" {
			t.Errorf("got %q, %q", c.title, c.text)
		}
	})
}

func TestATicketThatComesBackIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		h, _ := handler(t, g, nil, nil)
		second, _ := handler(t, g, h.queue, nil)
		tell := func(name string, to ...interface {
			Handle(context.Context, caddy.Event) error
		}) {
			e := event(name, map[string]any{"app": "a"})
			for _, handler := range to {
				_ = handler.Handle(t.Context(), e)
			}
			time.Sleep(time.Minute)
		}
		tell(eventRefreshed, recovery{h}) // nothing has failed
		if n := len(g.got()); n != 0 {
			t.Fatalf("%d messages about a ticket that never failed", n)
		}
		tell(eventFailed, h)
		time.Sleep(10 * time.Minute)
		tell(eventFailed, h)
		tell(eventRefreshed, recovery{h}, recovery{second}, h)
		tell(eventRefreshed, recovery{h}, recovery{second})
		posts := g.got()
		if len(posts) != 3 {
			t.Fatalf("%d messages: %+v", len(posts), posts)
		}
		if last := posts[2].text; !strings.Contains(last, "There is a ticket again after 12 min") || !strings.Contains(last, "中断了 12 分钟") {
			t.Errorf("got %q", last)
		}
		_ = h.queue.Destruct()
	})
}

func TestAMessageThatTurnsOutInvalidIsLoggedOnceWithItsField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := new(group)
		h, logs := handler(t, g, nil, func(h *Robot) { h.Link = &Link{"t", "x", "{event.data.url}", ""} })
		before := result(t, "invalid")
		for range 3 {
			_ = h.Handle(t.Context(), event("test", map[string]any{"url": "/page"}))
		}
		_ = h.Handle(t.Context(), event("test", map[string]any{"url": "https://example.com/"}))
		time.Sleep(time.Minute)
		if found := logs.FilterMessage("dropping an invalid robot message").All(); len(found) != 1 || found[0].ContextMap()["field"] != "link.messageUrl" {
			t.Errorf("logged %v", found)
		}
		if n := result(t, "invalid") - before; n != 3 || len(g.got()) != 1 {
			t.Errorf("%v invalid, %d sent", n, len(g.got()))
		}
		_ = h.queue.Destruct()
	})
}

func TestADigestOfLongChineseMessagesFits(t *testing.T) {
	b := new(batch)
	for n := range 30 {
		b.entries = append(b.entries, &entry{
			content: content{form: markdownForm, title: "标题", text: "## 小标题\n" + strings.Repeat("字", 5000) + fmt.Sprint(n), mobiles: fmt.Sprint(13800138000 + n)}, count: 2,
		})
	}
	b.compose("web-1")
	if err := b.message.Validate(); err != nil {
		t.Fatal(err)
	}
	text := b.text()
	if len(text) > digestBytes || strings.ContainsRune(text, '\uFFFD') || !strings.HasSuffix(text, "+20 more") || strings.Contains(text, "#") {
		t.Errorf("%d bytes: …%s", len(text), text[len(text)-50:])
	}
}

func FuzzEscapedValuesStayOneLineWithoutMarkup(f *testing.F) {
	for _, s := range []string{"", "a", "[x](y)", "**b**", "1. x", "# x", "\\", "a_b _c_", strings.Repeat("字", 501), "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		value := show(s)
		if n := len([]rune(value)); n > maxValue || strings.ContainsAny(value, "\n\r\x00") {
			t.Fatalf("%q: %d characters", value, n)
		}
		escaped := escape(value, "")
		for i := 0; i < len(escaped); i++ {
			switch escaped[i] {
			case '\\':
				i++ // what follows is no markup
			case '[', ']', '*', '`', '<', '>', '~', '|', '!':
				t.Fatalf("%q leaves %q", escaped, escaped[i])
			}
		}
		if back := strings.ReplaceAll(escaped, "\\", ""); back != strings.ReplaceAll(value, "\\", "") {
			t.Fatalf("%q became %q", value, escaped)
		}
	})
}

func TestNoDumpOfAHandlerShowsWebhookOrSecret(t *testing.T) {
	h, _ := handler(t, new(group), nil, nil)
	var out bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zapcore.DebugLevel)
	logger := zap.New(core)
	logger.Debug("as Caddy dumps it", zap.Any("handler", h), zap.Any("recovery", recovery{h}), zap.Any("queue", h.key))
	fmt.Fprintf(&out, "%v %+v %#v %s %+v %#v", h, h, h, h, recovery{h}, recovery{h})
	for _, secret := range []string{"t0ken", "SECret"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s stands in %s", secret, out.String())
		}
	}
}

// The whole way in a Caddy: an event, through the events app, to the group.
func TestCaddysEventsReachTheGroup(t *testing.T) {
	ding := sandbox.New(sandbox.Options{})
	ding.SetRobot(sandbox.RobotRules{Secret: "SECx"})
	server := httptest.NewServer(ding)
	defer server.Close()
	t.Setenv("ROBOT_WEBHOOK", server.URL+"/robot/send?access_token="+sandbox.RobotToken)
	t.Setenv("ROBOT_SECRET", "SECx")
	config := fmt.Sprintf(`{
		"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {"default": {"level": "PANIC"}}},
		"storage": {"module": "file_system", "root": %q},
		"apps": {"events": {"subscriptions": [
			{"events": ["started"], "handlers": [{"handler": "dingtalk_robot", "webhook": "{env.ROBOT_WEBHOOK}", "secret": "{env.ROBOT_SECRET}"}]},
			{"events": ["stopping"], "handlers": [{"handler": "dingtalk_robot", "webhook": "{env.ROBOT_WEBHOOK}", "secret": "{env.ROBOT_SECRET}", "text": "bye"}]}
		]}}}`, t.TempDir())
	if err := caddy.Load([]byte(config), true); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(ding.RobotMessages()) == 1 })
	config = strings.Replace(config, `"text": "bye"`, `"text": "farewell"`, 1)
	if err := caddy.Load([]byte(config), true); err != nil { // started again, within every
		t.Fatal(err)
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	messages := ding.RobotMessages()
	for _, m := range messages {
		if !m.Shown {
			t.Errorf("not shown: %s", m.Body)
		}
	}
	if len(messages) != 2 || !strings.Contains(string(messages[0].Body), "] started") || !strings.Contains(string(messages[1].Body), "started") {
		t.Errorf("got %d: %+v", len(messages), messages)
	}
}

// A shutdown has 2 s, however many webhooks hang.
func TestAShutdownWaitsForAllWebhooksAtOnce(t *testing.T) {
	over := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer hanging.Close()
	defer close(over)
	var handlers []string
	for n := range 4 {
		handlers = append(handlers, fmt.Sprintf(`{"handler": "dingtalk_robot", "webhook": "%s/?access_token=%d"}`, hanging.URL, n))
	}
	config := fmt.Sprintf(`{
		"admin": {"disabled": true, "config": {"persist": false}},
		"logging": {"logs": {"default": {"level": "PANIC"}}},
		"storage": {"module": "file_system", "root": %q},
		"apps": {"events": {"subscriptions": [{"events": ["started"], "handlers": [%s]}]}}}`, t.TempDir(), strings.Join(handlers, ","))
	if err := caddy.Load([]byte(config), true); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	// One after the other they would take four times as long.
	if took := time.Since(start); took > 2*shutdownTime {
		t.Errorf("took %s", took)
	}
}

// waitFor polls for what other goroutines bring about, for a minute at most.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited a minute in vain")
		}
	}
}

func TestTheDoctorExaminesEachRobot(t *testing.T) {
	ding := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(ding)
	defer server.Close()
	t.Setenv("ROBOT_WEBHOOK", server.URL+"/robot/send?access_token="+sandbox.RobotToken)
	config := `{"apps": {"events": {"subscriptions": [
		{"events": ["a"], "handlers": [{"handler": "dingtalk_robot", "webhook": "{env.ROBOT_WEBHOOK}"}, {"handler": "exec"}]},
		{"events": [""], "handlers": [{"handler": "dingtalk_robot", "webhook": "{env.ROBOT_WEBHOOK}"}]},
		{"handlers": [{"handler": "dingtalk_robot", "webhook": "{env.NO_SUCH_VARIABLE}"}]},
		{"events": ["d"], "handlers": [{"handler": "dingtalk_robot", "webhook": "https://example.com/?access_token=t0ken", "link": {"title": "t", "url": "https://example.com/"}}]}
	]}}}`
	all, err := Examine(t.Context(), []byte(config), false)
	want := []struct {
		event  string
		status doctor.Status
		en, zh string
	}{
		{"a", doctor.OK, "well formed", "格式都对"}, {"*", doctor.OK, "well formed", "格式都对"},
		{"*", doctor.Error, "{env.NO_SUCH_VARIABLE} is unknown or empty", "读取 webhook 的值：{env.NO_SUCH_VARIABLE} 未知或为空"},
		{"d", doctor.Error, "link.text is missing or blank", "link.text 缺失或为空"},
	}
	if err != nil || len(all) != len(want) {
		t.Fatalf("%v: %+v", err, all)
	}
	for i, w := range want {
		f := all[i].Findings[0]
		if all[i].Event != w.event || f.Name != "config" || f.Status != w.status || !strings.Contains(f.Text.EN, w.en) || !strings.Contains(f.Text.ZH, w.zh) {
			t.Errorf("handler %d: %+v", i, all[i])
		}
		if strings.Contains(f.Text.EN, "t0ken") || language.English(f.Text.ZH) != "" {
			t.Errorf("handler %d: %+v", i, f.Text)
		}
	}
	if n := len(ding.RobotMessages()); n != 0 {
		t.Errorf("%d messages without being told to send", n)
	}
	all, _ = Examine(t.Context(), []byte(config), true)
	if f := all[0].Findings[1]; len(ding.RobotMessages()) != 1 || f.Status != doctor.OK || !strings.Contains(f.Text.EN, "test message") {
		t.Errorf("%d messages, %+v", len(ding.RobotMessages()), all)
	}
	ding.SetRobot(sandbox.RobotRules{Keyword: "告警"})
	all, _ = Examine(t.Context(), []byte(config), true)
	if f := all[0].Findings[1]; f.Status != doctor.Error || !strings.Contains(f.Cure().EN, "give one as keyword") || !strings.Contains(f.Cure().ZH, "请用 keyword") {
		t.Errorf("%+v", f)
	}
}
