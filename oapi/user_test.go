package oapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// userCall is one call about users as login makes it.
type userCall struct {
	name    string
	new     func(id, secret string, o Options) *Client
	make    func(context.Context, *Client) (any, error)
	request string // method, target and body as DingTalk describes them
	header  string // where the token goes, if not into the query
	answer  string
	want    any
	without string // the answer without what matters
}

// A code is as secret as a token: both are spelt so that a trace of them is found.
const testCode = testToken

var userCalls = []userCall{
	{
		name: "who a code stands for", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.UserByCode(ctx, testToken, testCode) },
		request: `POST /topapi/v2/user/getuserinfo?access_token=TOKEN {"code":"t0ken+/=&%41\"<~>zZ"}`,
		answer:  `{"errcode":0,"result":{"userid":"u1","unionid":"x1","name":"张三","sys":true,"sys_level":1,"device_id":"d"}}`,
		want:    Identity{UserID: "u1", UnionID: "x1", Name: "张三", Admin: true},
		without: `{"errcode":0,"result":{"unionid":"x1","name":"张三"}}`,
	},
	{
		name: "who a code stands for, as it was called before", new: NewLegacyApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.LegacyUserByCode(ctx, testToken, testCode) },
		request: `GET /user/getuserinfo?access_token=TOKEN&code=TOKEN `,
		answer:  `{"errcode":0,"userid":"u1","name":"张三","is_sys":true,"deviceId":"d"}`,
		want:    Identity{UserID: "u1", Name: "张三", Admin: true},
		without: `{"errcode":0,"name":"张三"}`,
	},
	{
		name: "which follower a code stands for", new: NewChannel,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.FollowerByCode(ctx, testToken, testCode) },
		request: `GET /channel/user/get_by_code?access_token=TOKEN&code=TOKEN `,
		answer:  `{"errcode":0,"openid":"o1","unionid":"x1"}`,
		want:    Identity{OpenID: "o1", UnionID: "x1"},
		without: `{"errcode":0,"unionid":"x1"}`,
	},
	{
		name: "the token of a user", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.UserToken(ctx, testCode) },
		request: `POST /v1.0/oauth2/userAccessToken {"clientId":"ding+id","clientSecret":"S3cret/+=&%\"<é> x_9","code":"t0ken+/=&%41\"<~>zZ","grantType":"authorization_code"}`,
		answer:  `{"accessToken":"user-token","refreshToken":"r","expireIn":7200,"corpId":"ding1"}`,
		want:    UserToken{Value: "user-token", CorpID: "ding1"},
		without: `{"refreshToken":"r","corpId":"ding1"}`,
	},
	{
		name: "whose token it is", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx, testToken) },
		request: `GET /v1.0/contact/users/me `, header: "X-Acs-Dingtalk-Access-Token",
		answer:  `{"nick":"admin","unionId":"x1","openId":"o1","email":"ceo@other.example","mobile":"138"}`,
		want:    Identity{UnionID: "x1", OpenID: "o1"},
		without: `{"nick":"admin","openId":"o1"}`,
	},
	{
		name: "the member with a unionid", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return both(c.UserByUnionID(ctx, testToken, "x1")) },
		request: `POST /topapi/user/getbyunionid?access_token=TOKEN {"unionid":"x1"}`,
		answer:  `{"errcode":0,"result":{"userid":"u1","contact_type":0}}`,
		want:    found{"u1", false},
		without: `{"errcode":0,"result":{"contact_type":0}}`,
	},
	{
		name: "an external contact", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return both(c.UserByUnionID(ctx, testToken, "x1")) },
		request: `POST /topapi/user/getbyunionid?access_token=TOKEN {"unionid":"x1"}`,
		answer:  `{"errcode":0,"result":{"userid":"e1","contact_type":1}}`,
		want:    found{"e1", true},
		without: `{"errcode":0}`,
	},
	{
		name: "what the directory holds", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.User(ctx, testToken, "u1") },
		request: `POST /topapi/v2/user/get?access_token=TOKEN {"language":"zh_CN","userid":"u1"}`,
		answer: `{"errcode":0,"result":{"userid":"u1","unionid":"x1","name":"张三","avatar":"https://a","title":"经理","job_number":"1",
			"admin":true,"dept_id_list":[11,12],"mobile":"138"}}`,
		want:    Profile{UserID: "u1", UnionID: "x1", Name: "张三", Avatar: "https://a", Title: "经理", JobNumber: "1", Admin: true, Departments: []int64{11, 12}},
		without: `{"errcode":0,"result":{"name":"张三"}}`,
	},
	{
		name: "what the directory holds, as it was called before", new: NewLegacyApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.LegacyUser(ctx, testToken, "u1") },
		request: `GET /user/get?access_token=TOKEN&userid=u1 `,
		answer:  `{"errcode":0,"userid":"u1","unionid":"x1","name":"张三","avatar":"https://a","position":"经理","jobnumber":"1","isAdmin":true,"department":[11]}`,
		want:    Profile{UserID: "u1", UnionID: "x1", Name: "张三", Avatar: "https://a", Title: "经理", JobNumber: "1", Admin: true, Departments: []int64{11}},
		without: `{"errcode":0,"name":"张三"}`,
	},
	{
		name: "the departments above", new: NewApp,
		make:    func(ctx context.Context, c *Client) (any, error) { return c.ParentDepartments(ctx, testToken, "u1") },
		request: `POST /topapi/v2/department/listparentbyuser?access_token=TOKEN {"userid":"u1"}`,
		answer:  `{"errcode":0,"result":{"parent_list":[{"parent_dept_id_list":[111,11,1]},{"parent_dept_id_list":[12,1]}]}}`,
		want:    []int64{1, 11, 12, 111},
		without: `{"errcode":0,"result":{}}`,
	},
}

type found struct {
	userID   string
	external bool
}

func both(userID string, external bool, err error) (any, error) { return found{userID, external}, err }

func (c userCall) at(base string) (any, error) {
	return c.make(context.Background(), c.new("ding+id", testSecret, Options{API: base, OAPI: base}))
}

func TestCallsAboutUsersAreMadeAsDingTalkDescribesThem(t *testing.T) {
	for _, c := range userCalls {
		t.Run(c.name, func(t *testing.T) {
			var request, header string
			got, err := c.at(serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				query := r.URL.Query().Encode()
				query = strings.ReplaceAll(query, "t0ken%2B%2F%3D%26%2541%22%3C~%3EzZ", "TOKEN")
				if query != "" {
					query = "?" + query
				}
				request, header = fmt.Sprintf("%s %s%s %s", r.Method, r.URL.Path, query, normal(t, body)), r.Header.Get(c.header)
				io.WriteString(w, c.answer)
			}))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v, want %+v", got, err, c.want)
			}
			if want := c.request; request != want {
				t.Errorf("the request is\n%s, want\n%s", request, want)
			}
			if c.header != "" && header != testToken {
				t.Errorf("%s is %q", c.header, header)
			}
		})
	}
}

// normal is JSON with its keys in order, and nothing escaped that need not be.
func normal(t *testing.T, body []byte) string {
	t.Helper()
	if len(body) == 0 {
		return ""
	}
	var fields map[string]string
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Errorf("the body %q: %v", body, err)
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(fields)
	return strings.TrimSpace(out.String())
}

func TestWhatDingTalkSaysAboutUsersIsSorted(t *testing.T) {
	for _, c := range userCalls {
		v1 := strings.Contains(c.request, "/v1.0/")
		for name, test := range map[string]struct {
			status int
			body   string
			kind   Kind
			code   string
		}{
			"without what matters":   {200, c.without, Garbage, ""},
			"HTML":                   {200, "<html>", Garbage, ""},
			"nothing":                {200, "", Garbage, ""},
			"another type":           {200, `{"errcode":0,"userid":1,"openid":1,"accessToken":1,"unionId":1,"result":1}`, Garbage, ""},
			"a refused code":         {200, `{"errcode":40078,"errmsg":"不存在的临时授权码"}`, Parameter, "40078"},
			"a missing permission":   {200, `{"errcode":60011,"errmsg":"没有权限"}`, Permission, "60011"},
			"one that is wrapped":    {200, `{"errcode":88,"sub_code":"60011","sub_msg":"应用尚未开通所需的权限"}`, Permission, "60011"},
			"an address":             {200, `{"errcode":60020,"errmsg":"访问ip不在白名单之中"}`, AllowList, "60020"},
			"a token that is dead":   {200, `{"errcode":40014,"errmsg":"不合法的access_token"}`, Token, "40014"},
			"too many calls":         {200, `{"errcode":90018,"errmsg":"qps"}`, RateLimit, "90018"},
			"DingTalk is in trouble": {200, `{"errcode":-1,"errmsg":"系统繁忙"}`, Busy, "-1"},
			"the server is":          {500, "oops", Busy, ""},
		} {
			if v1 && test.code != "" { // the newer family has codes that are words
				continue
			}
			t.Run(c.name+"/"+name, func(t *testing.T) {
				got, err := c.at(serve(t, answer(test.status, test.body)))
				e := failed(t, err)
				if e.Kind != test.kind || e.Code != test.code && test.code != "" {
					t.Errorf("%v of kind %v and code %q, want %v and %q", e, e.Kind, e.Code, test.kind, test.code)
				}
				if v := reflect.ValueOf(got); v.IsValid() && !v.IsZero() {
					t.Errorf("beside the error stands %+v", got)
				}
			})
		}
		if v1 {
			t.Run(c.name+"/words", func(t *testing.T) {
				for body, want := range map[string]Kind{
					`{"code":"invalidParameter.authCode.notFound","message":"不合法的临时授权码"}`:         Other,
					`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"m"}`: Permission,
					`{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"m"}`:            AllowList,
				} {
					_, err := c.at(serve(t, answer(400, body)))
					if e := failed(t, err); e.Kind != want {
						t.Errorf("%s is %v, want %v", body, e.Kind, want)
					}
				}
			})
		}
	}
}
