package login

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// ding answers calls as told, and notes them.
type ding struct {
	mu      sync.Mutex
	answers map[string][]string // by path; the last stays
	calls   []string
}

func (d *ding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body := make([]byte, 1000)
	n, _ := r.Body.Read(body)
	d.calls = append(d.calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body[:n])))
	answers := d.answers[r.URL.Path]
	if len(answers) == 0 {
		http.Error(w, "no such answer", http.StatusNotImplemented)
		return
	}
	if len(answers) > 1 {
		d.answers[r.URL.Path] = answers[1:]
	}
	status := http.StatusOK
	if strings.HasPrefix(answers[0], `{"code"`) {
		status = http.StatusBadRequest
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, answers[0])
}

// given is a Tokens that numbers what it gives.
type given struct {
	mu       sync.Mutex
	name     string
	n        int
	rejected []string
}

func (g *given) AccessToken(context.Context) (*tokens.Token, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return &tokens.Token{Value: fmt.Sprint(g.name, g.n)}, nil
}

func (g *given) RefuseAccess(value string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
	g.rejected = append(g.rejected, value)
}

const (
	getuserinfo = "/topapi/v2/user/getuserinfo"
	userGet     = "/topapi/v2/user/get"
	byUnionID   = "/topapi/user/getbyunionid"
	parents     = "/topapi/v2/department/listparentbyuser"
	ok          = `{"errcode":0,"errmsg":"ok","result":`
)

// dingtalk is a DingTalk that answers well.
func dingtalk() *ding {
	return &ding{answers: map[string][]string{
		getuserinfo:                    {ok + `{"userid":"u1","unionid":"un1","name":"张三","sys":true,"sys_level":1}}`},
		userGet:                        {ok + `{"userid":"u1","unionid":"un1","name":"张三","title":"经理","job_number":"7","avatar":"a","admin":true,"dept_id_list":[11]}}`},
		byUnionID:                      {ok + `{"userid":"u1","contact_type":0}}`},
		parents:                        {ok + `{"parent_list":[{"parent_dept_id_list":[11,1]}]}}`},
		"/user/getuserinfo":            {`{"errcode":0,"errmsg":"ok","userid":"u1","is_sys":false}`},
		"/user/get":                    {`{"errcode":0,"errmsg":"ok","userid":"u1","unionid":"un1","name":"张三","isAdmin":true,"department":[11]}`},
		"/channel/user/get_by_code":    {`{"errcode":0,"errmsg":"ok","openid":"op1","unionid":"un1"}`},
		"/v1.0/oauth2/userAccessToken": {`{"accessToken":"user-token","refreshToken":"r","expireIn":7200,"corpId":"dingcorp"}`},
		"/v1.0/contact/users/me":       {`{"nick":"u1 张三 admin","unionId":"un1","openId":"op1","email":"e","mobile":"m"}`},
	}}
}

func signIn(t *testing.T, d *ding, change func(*SignIn)) (*SignIn, *given) {
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	app := &given{name: "app"}
	s := SignIn{
		API: oapi.NewApp("dingkey", "secret", oapi.Options{API: server.URL, OAPI: server.URL}), Tokens: app,
		CorpID: "dingcorp", Denied: func(error) {}, Called: func(string, error) {},
	}
	if change != nil {
		change(&s)
	}
	if s.Staff != nil {
		s.Staff = oapi.NewApp("staffkey", "secret", oapi.Options{API: server.URL, OAPI: server.URL})
	}
	return NewSignIn(s), app
}

func TestASignInMakesItsCallsAndNoOthers(t *testing.T) {
	staff := func(s *SignIn) { s.Channel, s.Staff, s.StaffTokens = true, new(oapi.Client), &given{name: "staff"} }
	known := User{UserID: "u1", UnionID: "un1", Name: "张三", CorpID: "dingcorp", Admin: true}
	with := func(change func(*User)) User { u := known; change(&u); return u }
	full := with(func(u *User) { u.Departments, u.Title, u.JobNumber, u.Avatar = []int64{11}, "经理", "7", "a" })
	for name, c := range map[string]struct {
		change func(*SignIn)
		oauth  bool
		answer map[string]string
		want   User
		calls  []string
	}{
		"basic": {want: known, calls: []string{`POST ` + getuserinfo + `?access_token=app0 {"code":"c"}`}},
		"full": {change: func(s *SignIn) { s.Full = true }, want: full, calls: []string{
			`POST ` + getuserinfo + `?access_token=app0 {"code":"c"}`, `POST ` + userGet + `?access_token=app0 {"language":"zh_CN","userid":"u1"}`}},
		"a department rule": {change: func(s *SignIn) { s.Within = true },
			want: with(func(u *User) { u.Within, u.Departments = []int64{1, 11}, []int64{1, 11} }), calls: []string{
				`POST ` + getuserinfo + `?access_token=app0 {"code":"c"}`, `POST ` + parents + `?access_token=app0 {"userid":"u1"}`}},
		"legacy": {change: func(s *SignIn) { s.Legacy = true }, want: with(func(u *User) { u.Departments = []int64{11} }), calls: []string{
			`GET /user/getuserinfo?access_token=app0&code=c`, `GET /user/get?access_token=app0&userid=u1`}},
		"a service window": {change: func(s *SignIn) { s.Channel = true }, want: User{OpenID: "op1", UnionID: "un1", CorpID: "dingcorp"},
			calls: []string{`GET /channel/user/get_by_code?access_token=app0&code=c`}},
		"a follower on the staff": {change: staff, want: User{UserID: "u1", OpenID: "op1", UnionID: "un1", CorpID: "dingcorp"},
			calls: []string{`GET /channel/user/get_by_code?access_token=app0&code=c`, `POST ` + byUnionID + `?access_token=staff0 {"unionid":"un1"}`}},
		"a mere follower": {change: staff, answer: map[string]string{byUnionID: `{"errcode":60121,"errmsg":"no"}`},
			want:  User{OpenID: "op1", UnionID: "un1", CorpID: "dingcorp"},
			calls: []string{`GET /channel/user/get_by_code?access_token=app0&code=c`, `POST ` + byUnionID + `?access_token=staff0 {"unionid":"un1"}`}},
		"OAuth2": {oauth: true, want: func() User { u := full; u.OpenID = "op1"; return u }(), calls: []string{
			`POST /v1.0/oauth2/userAccessToken {"clientId":"dingkey","clientSecret":"secret","code":"c","grantType":"authorization_code"}`,
			`GET /v1.0/contact/users/me`, `POST ` + byUnionID + `?access_token=app0 {"unionid":"un1"}`,
			`POST ` + userGet + `?access_token=app0 {"language":"zh_CN","userid":"u1"}`}},
		"user/get without the permission": {change: func(s *SignIn) { s.Full = true }, answer: map[string]string{userGet: `{"errcode":88,"sub_code":"60011"}`},
			want: known, calls: []string{`POST ` + getuserinfo + `?access_token=app0 {"code":"c"}`, `POST ` + userGet + `?access_token=app0 {"language":"zh_CN","userid":"u1"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			d := dingtalk()
			for path, answer := range c.answer {
				d.answers[path] = []string{answer}
			}
			s, _ := signIn(t, d, c.change)
			by := s.ByCode
			if c.oauth {
				by = s.ByOAuth
			}
			got, err := by(t.Context(), "c")
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
			if !slices.Equal(d.calls, c.calls) {
				t.Errorf("calls:\n%s\nwant:\n%s", strings.Join(d.calls, "\n"), strings.Join(c.calls, "\n"))
			}
		})
	}
}

func TestEachRefusalOfDingTalkHasItsCode(t *testing.T) {
	errcode := func(n int) string { return fmt.Sprintf(`{"errcode":%d,"errmsg":"no"}`, n) }
	for answer, want := range map[string]struct {
		code  Code
		retry time.Duration
	}{
		errcode(40078): {CodeInvalid, 0}, errcode(41026): {CodeInvalid, 0}, errcode(40029): {CodeInvalid, 0},
		errcode(50002): {CodeNotVisible, 0},
		errcode(60011): {CodePermission, 0}, errcode(40079): {CodePermission, 0}, errcode(43007): {CodePermission, 0},
		`{"errcode":88,"sub_code":"60011","sub_msg":"x"}`: {CodePermission, 0},
		errcode(60020):                {CodeIP, 0},
		errcode(40089):                {CodeCredentials, 0},
		errcode(40096):                {CodeCredentials, 0},
		errcode(40001):                {CodeCredentials, 0},
		errcode(40014):                {CodeCredentials, 0},
		errcode(45009):                {CodeRateLimited, 5 * time.Second},
		errcode(90002):                {CodeRateLimited, 5 * time.Second},
		errcode(90018):                {CodeRateLimited, 5 * time.Second},
		`{"status":1111,"wait":5}`:    {CodeRateLimited, 5 * time.Minute},
		errcode(90020):                {CodeQuota, 0},
		errcode(-1):                   {CodeUnavailable, 3 * time.Second},
		errcode(60121):                {CodeNotMember, 0},
		errcode(33012):                {CodeNotMember, 0},
		errcode(99999):                {CodeDingTalk, 0},
		`<html>`:                      {CodeDingTalk, 0},
		ok + `{"userid":""}}`:         {CodeDingTalk, 0},
		ok + `{"userid":7}}`:          {CodeDingTalk, 0},
		ok + `{"userId":"u"}}`:        {CodeDingTalk, 0},
		`{"errcode":0,"result":"half`: {CodeDingTalk, 0},
	} {
		t.Run(answer, func(t *testing.T) {
			d := dingtalk()
			d.answers[getuserinfo] = []string{answer}
			s, _ := signIn(t, d, nil)
			u, err := s.ByCode(t.Context(), "c")
			e, isOurs := err.(*Error)
			if !isOurs || e.Code != want.code || e.RetryAfter != want.retry || !reflect.DeepEqual(u, User{}) {
				t.Errorf("%+v, %v; want %+v", u, err, want)
			}
		})
	}
	for answer, want := range map[string]Code{
		`{"code":"invalidParameter.authCode.notFound"}`:                 CodeInvalid,
		`{"code":"invalidClientIdOrSecret"}`:                            CodeCredentials,
		`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"}`: CodePermission,
		`{"code":"Forbidden.AccessDenied.IpNotInWhiteList"}`:            CodeIP,
		`{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}`:     CodeRateLimited,
		`{"code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}`:         CodeQuota,
		`{"code":"systemBusy"}`:                                         CodeUnavailable,
		`{"accessToken":"t","corpId":"dingother"}`:                      CodeWrongCorp,
	} {
		d := dingtalk()
		d.answers["/v1.0/oauth2/userAccessToken"] = []string{answer}
		s, _ := signIn(t, d, nil)
		if _, err := s.ByOAuth(t.Context(), "c"); !isCode(err, want) || len(d.calls) != 1 {
			t.Errorf("%s: %v after %d calls, want %s", answer, err, len(d.calls), want)
		}
	}
}

func TestSomebodyOutsideTheOrganisationIsNoMember(t *testing.T) {
	for _, answer := range []string{`{"errcode":60121}`, ok + `{"userid":"x1","contact_type":1}}`, ok + `{"contact_type":1}}`} {
		d := dingtalk()
		d.answers[byUnionID] = []string{answer}
		s, _ := signIn(t, d, nil)
		if _, err := s.ByOAuth(t.Context(), "c"); !isCode(err, CodeNotMember) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestACodeIsSentOnceExceptWhereTheTokenWasRefused(t *testing.T) {
	d := dingtalk()
	d.answers[getuserinfo] = append([]string{`{"errcode":88,"sub_code":"40014"}`}, d.answers[getuserinfo]...)
	s, app := signIn(t, d, nil)
	if _, err := s.ByCode(t.Context(), "c"); err != nil || len(d.calls) != 2 || !slices.Equal(app.rejected, []string{"app0"}) {
		t.Errorf("%v, calls %q, rejected %q", err, d.calls, app.rejected)
	}
	if _, err := s.ByCode(t.Context(), "c"); !isCode(err, CodeInvalid) || len(d.calls) != 2 {
		t.Errorf("again: %v, %d calls", err, len(d.calls))
	}
	d.answers[getuserinfo] = []string{`{"errcode":42001}`}
	if _, err := s.ByCode(t.Context(), "d"); !isCode(err, CodeCredentials) || len(d.calls) != 4 {
		t.Errorf("refused twice: %v, %d calls", err, len(d.calls))
	}
}

// stuck is a Tokens that has no other token where DingTalk refuses this one.
type stuck struct{ given }

func (*stuck) RefuseAccess(string) {}

func TestACodeIsNotSentAgainWithTheTokenThatWasRefused(t *testing.T) {
	d := dingtalk()
	d.answers[getuserinfo] = []string{`{"errcode":40014}`}
	s, _ := signIn(t, d, func(s *SignIn) { s.Tokens = new(stuck) })
	if _, err := s.ByCode(t.Context(), "c"); !isCode(err, CodeCredentials) || len(d.calls) != 1 {
		t.Errorf("%v, %d calls", err, len(d.calls))
	}
}

func TestNoErrorRepeatsTheCode(t *testing.T) {
	d := dingtalk()
	const code = "the-very-code"
	d.answers[getuserinfo] = []string{`{"errcode":40078,"errmsg":"bad code the-very-code"}`}
	s, _ := signIn(t, d, nil)
	_, err := s.ByCode(t.Context(), code)
	if err == nil || strings.Contains(err.Error(), code) {
		t.Error(err)
	}
	if _, err := json.Marshal(err); err != nil {
		t.Error(err)
	}
}

func TestDepartmentsThatCannotBeHadFailTheSignIn(t *testing.T) {
	for answer, want := range map[string]Code{
		`{"errcode":-1}`: CodeUnavailable, `{"errcode":43007}`: CodePermission, `{"errcode":60011}`: CodePermission, ok + `{}}`: CodeDingTalk,
	} {
		d := dingtalk()
		d.answers[parents] = []string{answer}
		s, _ := signIn(t, d, func(s *SignIn) { s.Within = true })
		if _, err := s.ByCode(t.Context(), "c"); !isCode(err, want) {
			t.Errorf("%s: %v, want %s", answer, err, want)
		}
	}
}
