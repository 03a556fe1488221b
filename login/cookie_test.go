package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var cookies = NewCookies("1234567890")

func TestTheSessionCookieSaysWhatBrowsersMustKnow(t *testing.T) {
	for name, c := range map[string]struct {
		secure, framed bool
		want           string
	}{
		"https":           {true, false, "__Host-dingtalk-1234567890=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"},
		"https, in frame": {true, true, "__Host-dingtalk-1234567890=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=None; Partitioned"},
		"http":            {false, false, "dingtalk-1234567890=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
		"http, in frame":  {false, true, "dingtalk-1234567890=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := cookies.session("v", c.secure, c.framed, time.Hour).String(); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestACookieIsReadOnlyWhereThereIsOne(t *testing.T) {
	name := cookies.Name(true)
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{nil, ""},
		{[]string{"a=1; " + name + "=v; b=2"}, "v"},
		{[]string{"a=1", name + "=v"}, "v"},
		{[]string{name + "=v; " + name + "=v"}, ""},
		{[]string{name + "=v", name + "=w"}, ""},
		{[]string{name + "x=v; x" + name + "=v"}, ""},
		{[]string{cookies.Name(false) + "=v"}, ""},
		{[]string{"\u00a0" + name + "=v"}, ""},
		{[]string{"\u2003" + name + "=planted; " + name + "=v;\v" + name + "=planted"}, "v"},
	} {
		if got := Read(http.Header{"Cookie": c.lines}, name); got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

func TestOurCookiesDoNotReachTheUpstream(t *testing.T) {
	for _, c := range []struct{ lines, want []string }{
		{[]string{"a=1; __Host-dingtalk-1234567890=v; b=2"}, []string{"a=1; b=2"}},
		{[]string{"__Host-dingtalk-1234567890=v"}, nil},
		{[]string{"dingtalk-1234567890=v; dingtalk-1234567890-s-0a1b2c3d=v; a=1"}, []string{"a=1"}},
		{[]string{"__Host-dingtalk-99-s-0a1b2c3d=v", "a=1;b=2"}, []string{"a=1;b=2"}},
		{[]string{"\u00a0__Host-dingtalk-1234567890=v; a=1"}, []string{"a=1"}},
		{[]string{"dingtalk-99=v; dingtalk-theme=dark; dingtalk_tenant=x"}, []string{"dingtalk-theme=dark; dingtalk_tenant=x"}},
		{[]string{`a="x; y=1"; b`}, []string{`a="x; y=1"; b`}},
	} {
		header := http.Header{"Cookie": slices.Clone(c.lines)}
		cookies.Strip(header)
		if got := header["Cookie"]; !slices.Equal(got, c.want) {
			t.Errorf("%q became %q, want %q", c.lines, got, c.want)
		}
	}
}

func TestOAuthAttemptsDoNotDisturbEachOther(t *testing.T) {
	k := keys(t, oldSecret)
	jar := map[string]string{}
	browser := func() http.Header {
		var pairs []string
		for name, value := range jar {
			pairs = append(pairs, name+"="+value)
		}
		return http.Header{"Cookie": {strings.Join(pairs, "; ")}}
	}
	take := func(response http.Header) {
		for _, c := range (&http.Response{Header: response}).Cookies() {
			if c.MaxAge < 0 {
				delete(jar, c.Name)
			} else {
				jar[c.Name] = c.Value
			}
		}
	}
	var states []string
	for i := range 7 {
		response := http.Header{}
		a := k.begin(browser(), response, cookies, "/to/"+string(rune('a'+i)), true, t0.Add(time.Duration(i)*time.Second))
		take(response)
		states = append(states, a.State)
	}
	if len(jar) != stateLimit {
		t.Fatalf("%d cookies of 7 attempts", len(jar))
	}
	for i, state := range states {
		response := http.Header{}
		to, ok := k.finish(browser(), response, cookies, state, true, t0.Add(time.Minute))
		take(response)
		if want := i >= 2; ok != want || ok && to != "/to/"+string(rune('a'+i)) {
			t.Errorf("attempt %d: %q, %v", i, to, ok)
		}
		if _, ok := k.finish(browser(), http.Header{}, cookies, state, true, t0.Add(time.Minute)); ok {
			t.Errorf("attempt %d ends twice", i)
		}
	}
	if len(jar) != 0 {
		t.Errorf("left are %v", jar)
	}
}

func TestAnAttemptEndsAfterTenMinutesAndInItsOwnBrowser(t *testing.T) {
	k := keys(t, oldSecret)
	response := http.Header{}
	a := k.begin(nil, response, cookies, "/", true, t0)
	set := (&http.Response{Header: response}).Cookies()[0]
	header := http.Header{"Cookie": {set.Name + "=" + set.Value}}
	for name, c := range map[string]struct {
		header http.Header
		state  string
		after  time.Duration
		ok     bool
	}{
		"in time":           {header, a.State, 9 * time.Minute, true},
		"too late":          {header, a.State, 10 * time.Minute, false},
		"another browser":   {http.Header{}, a.State, time.Minute, false},
		"another state":     {header, a.State + "x", time.Minute, false},
		"no state":          {header, "", time.Minute, false},
		"the cookie twice":  {http.Header{"Cookie": {header["Cookie"][0], header["Cookie"][0]}}, a.State, time.Minute, false},
		"the cookie forged": {http.Header{"Cookie": {set.Name + "=AAAA"}}, a.State, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, ok := k.finish(c.header, http.Header{}, cookies, c.state, true, t0.Add(c.after)); ok != c.ok {
				t.Errorf("ok: %v", ok)
			}
		})
	}
}

func TestWhatWasSentOnceIsKnownForAWhile(t *testing.T) {
	o := &once{life: codeLife}
	if !o.take("a", t0) || o.take("a", t0.Add(time.Second)) {
		t.Error("a is not known")
	}
	if !o.take("b", t0.Add(4*time.Minute+59*time.Second)) || o.take("a", t0.Add(4*time.Minute+59*time.Second)) || o.take("b", t0.Add(9*time.Minute)) {
		t.Error("forgotten too early")
	}
	if !o.take("a", t0.Add(16*time.Minute)) {
		t.Error("never forgotten")
	}
	o.giveBack("a")
	if !o.take("a", t0.Add(16*time.Minute)) {
		t.Error("not given back")
	}
}
