package oapi

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
)

// person is an answer with all that DingTalk's answers are made of.
type person struct {
	Result struct {
		UserID      string  `json:"userid"`
		Admin       bool    `json:"admin"`
		Departments []int64 `json:"dept_id_list"`
		Parents     []struct {
			IDs []int64 `json:"parent_dept_id_list"`
		} `json:"parent_list"`
	} `json:"result"`
}

func (p person) missing() string {
	if p.Result.UserID == "" {
		return "userid"
	}
	return ""
}

// user makes a person, for the tests to compare with.
func user(id string, admin bool, departments []int64, parents ...[]int64) (p person) {
	p.Result.UserID, p.Result.Admin, p.Result.Departments = id, admin, departments
	for _, ids := range parents {
		p.Result.Parents = append(p.Result.Parents, struct {
			IDs []int64 `json:"parent_dept_id_list"`
		}{ids})
	}
	return p
}

func ask(t *testing.T, h http.HandlerFunc, made call) (person, error) {
	base := serve(t, h)
	return do[person](t.Context(), NewApp("ding1", testSecret, Options{API: base, OAPI: base}), made)
}

var getUser = call{name: "topapi/v2/user/get", token: testToken, body: map[string]string{"userid": "u1"}}

func TestAnAnswerIsReadByItsExactNames(t *testing.T) {
	tests := map[string]struct {
		result string // of {"result": …}
		want   person
	}{
		"all of it": {`{"userid":"u1","admin":true,"dept_id_list":[1,2],"parent_list":[{"parent_dept_id_list":[2,1]},{"parent_dept_id_list":[3]}]}`,
			user("u1", true, []int64{1, 2}, []int64{2, 1}, []int64{3})},
		"beside fields that are not asked for": {`{"userid":"u1","title":"x","deptId":[7]}`, user("u1", false, nil)},
		"somebody else under another case":     {`{"userid":"u1","userId":"u2","UserID":"u3"}`, user("u1", false, nil)},
		"the same in another order":            {`{"userId":"u2","userid":"u1"}`, user("u1", false, nil)},
		"a text for a truth value":             {`{"userid":"u1","admin":"true"}`, user("u1", false, nil)},
		"a number for a truth value":           {`{"userid":"u1","admin":1}`, user("u1", false, nil)},
		"a list that is half numbers":          {`{"userid":"u1","dept_id_list":[1,"2"]}`, user("u1", false, nil)},
		"a list of which a part is none":       {`{"userid":"u1","parent_list":[{"parent_dept_id_list":[1]},7]}`, user("u1", false, nil, []int64{1}, nil)},
		"nulls":                                {`{"userid":"u1","admin":null,"dept_id_list":null,"parent_list":null}`, user("u1", false, nil)},
		"a department beyond 32 bits":          {`{"userid":"u1","dept_id_list":[9007199254740993]}`, user("u1", false, []int64{9007199254740993})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ask(t, answer(200, `{"errcode":0,"errmsg":"ok","result":`+tt.result+`}`), getUser)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestAnAnswerWithoutWhatMattersIsGarbage(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"errcode":0}`, `{"errcode":0,"result":null}`, `{"errcode":0,"result":[]}`, `{"errcode":0,"result":"u1"}`,
		`{"errcode":0,"result":{"userid":""}}`, `{"errcode":0,"result":{"userid":1}}`, `{"errcode":0,"result":{"userId":"u2"}}`,
		`{"errcode":0,"Result":{"userid":"u1"}}`, `{"errcode":0,"userid":"u1"}`,
		`[]`, `null`, `<html>`, ``, `{"result":{"userid":"u1"}`, strings.Repeat(" ", bodyLimit) + `{"result":{"userid":"u1"}}`,
	} {
		got, err := ask(t, answer(200, body), getUser)
		if e := failed(t, err); e.Kind != Garbage || e.Call != getUser.name || !reflect.DeepEqual(got, person{}) {
			t.Errorf("%.60s: got %+v, %v of kind %v", body, got, e, e.Kind)
		}
	}
}

func TestARefusalBringsNothingHoweverMuchStandsBesideIt(t *testing.T) {
	const result = `"result":{"userid":"u1","admin":true}`
	tests := []struct {
		status int
		body   string
		kind   Kind
		code   string
	}{
		{200, `{"errcode":60121,"errmsg":"找不到该用户",` + result + `}`, Other, "60121"},
		{200, `{"errcode":40014,` + result + `}`, Token, "40014"},
		{200, `{"errcode":40001,` + result + `}`, Token, "40001"}, // what was sent is the token
		{200, `{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token",` + result + `}`, Token, "40014"},
		{200, `{"errcode":88,"sub_code":"60011","sub_msg":"没有权限",` + result + `}`, Permission, "60011"},
		{403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m",` + result + `}`, Permission, "Forbidden.AccessDenied.AccessTokenPermissionDenied"},
		{500, `{` + result + `}`, Busy, ""},
		{429, `{` + result + `}`, RateLimit, ""},
	}
	for _, tt := range tests {
		got, err := ask(t, answer(tt.status, tt.body), getUser)
		if e := failed(t, err); e.Kind != tt.kind || e.Code != tt.code || !reflect.DeepEqual(got, person{}) {
			t.Errorf("%s: got %+v, %v of kind %v", tt.body, got, e, e.Kind)
		}
	}
}

func TestATokenGoesWhereTheFamilyWantsIt(t *testing.T) {
	tests := map[string]struct {
		made                  call
		request, header, body string
	}{
		"POST of the older family": {getUser, "POST /topapi/v2/user/get?access_token=" + url.QueryEscape(testToken), "", `{"userid":"u1"}`},
		"GET of the older family": {call{name: "user/get", token: testToken, query: url.Values{"userid": {"u 1"}}},
			"GET /user/get?access_token=" + url.QueryEscape(testToken) + "&userid=u+1", "", ""},
		"POST of v1":            {call{name: "a/b", v1: true, token: testToken, body: struct{}{}}, "POST /v1.0/a/b", testToken, "{}"},
		"GET of v1":             {call{name: "contact/users/me", v1: true, token: testToken}, "GET /v1.0/contact/users/me", testToken, ""},
		"a call with no token":  {call{name: "a", v1: true, body: map[string]string{"code": "c"}}, "POST /v1.0/a", "", `{"code":"c"}`},
		"a GET without a token": {call{name: "a", query: url.Values{"b": {"c"}}}, "GET /a?b=c", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if got := r.Method + " " + r.RequestURI; got != tt.request || string(body) != tt.body {
					t.Errorf("%s with %s, want %s with %s", got, body, tt.request, tt.body)
				}
				if got := r.Header.Get("x-acs-dingtalk-access-token"); got != tt.header {
					t.Errorf("the token header is %q", got)
				}
				if got := r.Header.Get("Content-Type"); (got == "application/json") != (tt.body != "") {
					t.Errorf("the content type is %q", got)
				}
				io.WriteString(w, `{"result":{"userid":"u1"}}`)
			}, tt.made)
			if err != nil {
				t.Error(err)
			}
		})
	}
	if len(getUser.query) != 0 {
		t.Error("a call was changed by being made")
	}
}

// A token out of a storage that was tampered with: nothing leaves, and neither DNS
// nor the network are to blame.
func TestATokenThatCannotBeSentIsRefusedBeforeTheCall(t *testing.T) {
	var arrived atomic.Int32
	base := serve(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
	o := Options{API: base, OAPI: base}
	for _, token := range []string{"zZ\nx", "zZ\r\nHost: evil.test", "zZ\x00", "zZ zZ", "zZ中", "zZ\x7f", strings.Repeat("zZ", 300), ""} {
		for _, c := range []*Client{NewApp("i", testSecret, o), NewLegacyApp("i", testSecret, o), NewCorp("i", testSecret, o), NewChannel("i", testSecret, o)} {
			_, _, err := c.Ticket(t.Context(), token)
			e := failed(t, err)
			if e.Kind != Token || !e.Unsent() || !e.TokenRejected() || e.Status != 0 {
				t.Errorf("%q: %v of kind %v", token, e, e.Kind)
			}
		}
	}
	if n := arrived.Load(); n != 0 {
		t.Errorf("%d calls have left", n)
	}
	_, err := ask(t, answer(200, `{"errcode":40014}`), getUser)
	if e := failed(t, err); e.Unsent() {
		t.Error("a refusal of DingTalk is said to be none")
	}
}

func TestNoErrorRepeatsWhatACallKeepsSecret(t *testing.T) {
	made := call{name: "oauth2/userAccessToken", v1: true, body: map[string]string{"code": "zZ-code"}, secrets: []string{"zZ-code"}}
	_, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"code":"invalidParameter.authCode.notFound","message":"不合法的临时授权码 zZ-code"}`)
	}, made)
	if e := failed(t, err); e.Message != "不合法的临时授权码 [secret]" {
		t.Errorf("the message is %q", e.Message)
	}
}
