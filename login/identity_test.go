package login

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

func TestNobodyElseTellsTheUpstreamWhoAsks(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{
		"X-Dingtalk-User-Id":  {"evil"},
		"X_dingtalk_user_id":  {"evil"},
		"x-dingtalk-name":     {"evil"},
		"X.DingTalk!Admin":    {"true"},
		"X-Dingtalk-Anything": {"evil"},
		"X-Dingtalk":          {"not one of ours"},
		"X-Dingtalkish":       {"nor this"},
		"Connection":          {"keep-alive, X-DingTalk-User-Id", "x_dingtalk_name"},
		"Trailer":             {"X-DingTalk-Admin"},
		"Cookie":              {"a=1; __Host-dingtalk-1234567890=v"},
	}
	r.Trailer = http.Header{"X-Dingtalk-Admin": nil, "X-Checksum": nil}
	r.Body = io.NopCloser(strings.NewReader("body"))
	Clean(r, cookies)
	if got := slices.Sorted(maps.Keys(r.Header)); !slices.Equal(got, []string{"Connection", "Cookie", "X-Dingtalk", "X-Dingtalkish"}) {
		t.Errorf("left are %q", got)
	}
	if got := r.Header["Connection"]; !slices.Equal(got, []string{"keep-alive"}) {
		t.Errorf("Connection is %q", got)
	}
	r.Trailer["X_dingtalk_admin"] = []string{"true"} // as a server adds what nobody announced
	if _, err := io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(r.Trailer)); !slices.Equal(got, []string{"X-Checksum"}) {
		t.Errorf("trailers are %q", got)
	}
}

func TestTheHeadersTellWhatIsKnownPercentEncoded(t *testing.T) {
	for name, c := range map[string]struct {
		user User
		want http.Header
	}{
		"a member": {zhang(), http.Header{
			"X-Dingtalk-User-Id": {"u%251"}, "X-Dingtalk-Union-Id": {"un1"}, "X-Dingtalk-Name": {`%E5%BC%A0%E4%B8%89%20"\%0A`},
			"X-Dingtalk-Corp-Id": {"dingcorp"}, "X-Dingtalk-Admin": {"true"}, "X-Dingtalk-Departments": {"11"},
		}},
		"a follower": {User{OpenID: "op1", CorpID: "dingcorp"}, http.Header{
			"X-Dingtalk-Open-Id": {"op1"}, "X-Dingtalk-Corp-Id": {"dingcorp"}, "X-Dingtalk-Admin": {"false"},
		}},
		"of two departments": {User{UserID: "u", Departments: []int64{11, 12}}, http.Header{
			"X-Dingtalk-User-Id": {"u"}, "X-Dingtalk-Admin": {"false"}, "X-Dingtalk-Departments": {"11,12"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := http.Header{}
			c.user.SetHeaders(got)
			if !maps.EqualFunc(got, c.want, slices.Equal) {
				t.Errorf("got %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestTheUserIsToldWithNullsWhereNothingIsKnown(t *testing.T) {
	follower := User{OpenID: "op1", CorpID: "dingcorp"}
	const want = `{"userId":null,"unionId":null,"openId":"op1","name":null,"admin":false,"corpId":"dingcorp",` +
		`"departments":null,"title":null,"jobNumber":null,"avatar":null,"expires":5}`
	if got := string(follower.AppendJSON(nil, 5)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func FuzzClaimed(f *testing.F) {
	for _, name := range []string{"X-DingTalk-User-Id", "x_dingtalk_", "X-Dingtalk", "XX-DingTalk-"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		folded := strings.Map(func(r rune) rune {
			if letter(r) {
				return r
			}
			return '-'
		}, strings.ToLower(textproto.CanonicalMIMEHeaderKey(name)))
		ascii := strings.IndexFunc(name, func(r rune) bool { return r > '~' }) < 0
		if ascii && claimed(name) != strings.HasPrefix(folded, "x-dingtalk-") {
			t.Errorf("%q: %v", name, claimed(name))
		}
	})
}

// BenchmarkIdentity takes out of a request what a stranger wrote, and our cookie, and writes
// all the headers of a user: to stay below 5 µs.
func BenchmarkIdentity(b *testing.B) {
	u, cookies := zhang(), NewCookies("1234567890")
	cookie := []string{"a=1; __Host-dingtalk-1234567890=" + strings.Repeat("x", 300) + "; b=2"}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "User-Agent", "X-Requested-With"} {
		r.Header.Set(name, "x")
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Header["Cookie"], r.Header["X_dingtalk_name"] = cookie, cookie
		Clean(r, cookies)
		u.SetHeaders(r.Header)
	}
}
