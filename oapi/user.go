package oapi

import (
	"context"
	"net/url"
	"slices"
)

// Identity is who a code stands for.
type Identity struct {
	UserID  string
	UnionID string // "" in the answer of the legacy call
	OpenID  string // of a follower of a service window
	Name    string
	Admin   bool
}

// Profile is what the organisation's directory holds about a member.
type Profile struct {
	UserID      string
	UnionID     string
	Name        string
	Avatar      string
	Title       string
	JobNumber   string
	Admin       bool
	Departments []int64 // the member's own; nil if the answer has none
}

// UserByCode asks who a requestAuthCode code stands for (page
// obtain-the-userid-of-a-user-by-using-the-log-free). The code is spent.
func (c *Client) UserByCode(ctx context.Context, accessToken, code string) (Identity, error) {
	got, err := do[userByCode](ctx, c, call{
		name: "topapi/v2/user/getuserinfo", token: accessToken,
		body: map[string]string{"code": code}, secrets: []string{code},
	})
	r := got.Result
	return Identity{UserID: r.UserID, UnionID: r.UnionID, Name: r.Name, Admin: r.Sys}, err
}

type userByCode struct {
	Result struct {
		UserID  string `json:"userid"`
		UnionID string `json:"unionid"`
		Name    string `json:"name"`
		Sys     bool   `json:"sys"`
	} `json:"result"`
}

func (u userByCode) missing() string { return unless(u.Result.UserID, "result.userid") }

// LegacyUserByCode is UserByCode as it was called before (page
// get-user-userid-through-login-free-code). It tells no unionid.
func (c *Client) LegacyUserByCode(ctx context.Context, accessToken, code string) (Identity, error) {
	got, err := do[legacyUserByCode](ctx, c, call{
		name: "user/getuserinfo", token: accessToken,
		query: url.Values{"code": {code}}, secrets: []string{code},
	})
	return Identity{UserID: got.UserID, Name: got.Name, Admin: got.IsSys}, err
}

type legacyUserByCode struct {
	UserID string `json:"userid"`
	Name   string `json:"name"`
	IsSys  bool   `json:"is_sys"`
}

func (u legacyUserByCode) missing() string { return unless(u.UserID, "userid") }

// FollowerByCode asks which follower of a service window a code stands for. Only old SDKs
// still tell of this call; the access token is the channel's.
func (c *Client) FollowerByCode(ctx context.Context, accessToken, code string) (Identity, error) {
	got, err := do[followerByCode](ctx, c, call{
		name: "channel/user/get_by_code", token: accessToken,
		query: url.Values{"code": {code}}, secrets: []string{code},
	})
	return Identity{OpenID: got.OpenID, UnionID: got.UnionID}, err
}

type followerByCode struct {
	OpenID  string `json:"openid"`
	UnionID string `json:"unionid"`
}

func (f followerByCode) missing() string { return unless(f.OpenID, "openid") }

// UserToken is what an OAuth2 code is changed for.
type UserToken struct {
	Value  string
	CorpID string // the organisation that the user chose; "" where DingTalk does not say
}

// UserToken changes an OAuth2 code for the user's own access token (page
// obtain-user-token). The code is spent; the refresh token of the answer is not read.
func (c *Client) UserToken(ctx context.Context, code string) (UserToken, error) {
	made := call{
		name: "oauth2/userAccessToken", v1: true, secrets: []string{c.secret, code},
		body: map[string]string{"clientId": c.id, "clientSecret": c.secret, "code": code, "grantType": "authorization_code"},
	}
	got, err := do[userToken](ctx, c, made)
	return UserToken{got.AccessToken, got.CorpID}, err
}

type userToken struct {
	AccessToken string `json:"accessToken"`
	CorpID      string `json:"corpId"`
}

func (t userToken) missing() string {
	if !isToken(t.AccessToken) {
		return "accessToken"
	}
	return ""
}

// Me asks whose the user's own access token is. The rest of the answer is what users
// write about themselves, in any organisation, and is not read.
func (c *Client) Me(ctx context.Context, userToken string) (Identity, error) {
	got, err := do[me](ctx, c, call{name: "contact/users/me", v1: true, token: userToken})
	return Identity{UnionID: got.UnionID, OpenID: got.OpenID}, err
}

type me struct {
	UnionID string `json:"unionId"`
	OpenID  string `json:"openId"`
}

func (m me) missing() string { return unless(m.UnionID, "unionId") }

// UserByUnionID asks for the member with that unionid (page query-a-user-by-the-union-id).
// external tells of a contact who is no member (contact_type 1). The access token must be
// an app's, neither the user's nor a channel's.
func (c *Client) UserByUnionID(ctx context.Context, accessToken, unionID string) (userID string, external bool, err error) {
	got, err := do[userByUnionID](ctx, c, call{
		name: "topapi/user/getbyunionid", token: accessToken, body: map[string]string{"unionid": unionID},
	})
	return got.Result.UserID, got.Result.ContactType != 0, err
}

type userByUnionID struct {
	Result struct {
		UserID      string `json:"userid"`
		ContactType int    `json:"contact_type"`
	} `json:"result"`
}

func (u userByUnionID) missing() string {
	if u.Result.ContactType != 0 { // nobody needs the id of who is no member
		return ""
	}
	return unless(u.Result.UserID, "result.userid")
}

// User asks what the directory holds about a member (page query-user-details).
func (c *Client) User(ctx context.Context, accessToken, userID string) (Profile, error) {
	got, err := do[member](ctx, c, call{
		name: "topapi/v2/user/get", token: accessToken,
		body: map[string]string{"userid": userID, "language": "zh_CN"},
	})
	r := got.Result
	return Profile{
		UserID: r.UserID, UnionID: r.UnionID, Name: r.Name, Avatar: r.Avatar, Title: r.Title,
		JobNumber: r.JobNumber, Admin: r.Admin, Departments: r.Departments,
	}, err
}

type member struct {
	Result struct {
		UserID      string  `json:"userid"`
		UnionID     string  `json:"unionid"`
		Name        string  `json:"name"`
		Avatar      string  `json:"avatar"`
		Title       string  `json:"title"`
		JobNumber   string  `json:"job_number"`
		Admin       bool    `json:"admin"`
		Departments []int64 `json:"dept_id_list"`
	} `json:"result"`
}

func (u member) missing() string { return unless(u.Result.UserID, "result.userid") }

// LegacyUser is User as it was called before.
func (c *Client) LegacyUser(ctx context.Context, accessToken, userID string) (Profile, error) {
	got, err := do[legacyMember](ctx, c, call{
		name: "user/get", token: accessToken, query: url.Values{"userid": {userID}},
	})
	return Profile{
		UserID: got.UserID, UnionID: got.UnionID, Name: got.Name, Avatar: got.Avatar, Title: got.Position,
		JobNumber: got.JobNumber, Admin: got.IsAdmin, Departments: got.Departments,
	}, err
}

type legacyMember struct {
	UserID      string  `json:"userid"`
	UnionID     string  `json:"unionid"`
	Name        string  `json:"name"`
	Avatar      string  `json:"avatar"`
	Position    string  `json:"position"`
	JobNumber   string  `json:"jobnumber"`
	IsAdmin     bool    `json:"isAdmin"`
	Departments []int64 `json:"department"`
}

func (u legacyMember) missing() string { return unless(u.UserID, "userid") }

// ParentDepartments asks for all departments that a member is in: the own ones and those
// above them, each once (page queries-the-list-of-all-parent-departments-of-a-user).
func (c *Client) ParentDepartments(ctx context.Context, accessToken, userID string) ([]int64, error) {
	got, err := do[parentDepartments](ctx, c, call{
		name: "topapi/v2/department/listparentbyuser", token: accessToken, body: map[string]string{"userid": userID},
	})
	if err != nil {
		return nil, err
	}
	all := []int64{}
	for _, list := range got.Result.ParentList {
		all = append(all, list.Departments...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

type parentDepartments struct {
	Result struct {
		ParentList []struct {
			Departments []int64 `json:"parent_dept_id_list"`
		} `json:"parent_list"`
	} `json:"result"`
}

func (p parentDepartments) missing() string {
	if p.Result.ParentList == nil {
		return "result.parent_list"
	}
	return ""
}

// unless names a field that is empty.
func unless(value, field string) string {
	if value == "" {
		return field
	}
	return ""
}
