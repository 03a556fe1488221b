// Package login signs users in (免登): it turns the code of a DingTalk client, or of
// DingTalk's OAuth2 page, into a user, keeps who that is in a sealed cookie, holds
// requests against the rules of the configuration, and tells the upstream who asks.
//
// A request with a session costs no call and no look at the storage: the cookie
// itself carries the user, and revocations are read ahead, in the background.
package login

import (
	"encoding/json"
	"strconv"
)

// User is who is signed in, as the organisation's own directory knows them. What a
// user may write about themselves (nick, email, mobile) has no place here.
type User struct {
	UserID    string // userid within the organisation; "" for a mere follower of a service window
	UnionID   string
	OpenID    string
	Name      string
	CorpID    string
	Admin     bool
	Title     string
	JobNumber string
	Avatar    string

	// Departments are the user's own, or those that a rule's call named where nobody
	// told the own ones. nil is unknown.
	Departments []int64
	// Within are the departments that a rule may name: the user's own and all above
	// them. nil: DingTalk was not asked.
	Within []int64
}

// Subject is how the user is called where one text must do: the userid, else
// "openid:" and the openId.
func (u *User) Subject() string {
	if u.UserID != "" {
		return u.UserID
	}
	return "openid:" + u.OpenID
}

// AppendJSON appends the user as the endpoints tell it; expires is in unix seconds.
func (u *User) AppendJSON(dst []byte, expires int64) []byte {
	departments := u.Departments
	out := struct {
		UserID      *string `json:"userId"`
		UnionID     *string `json:"unionId"`
		OpenID      *string `json:"openId"`
		Name        *string `json:"name"`
		Admin       bool    `json:"admin"`
		CorpID      *string `json:"corpId"`
		Departments []int64 `json:"departments"`
		Title       *string `json:"title"`
		JobNumber   *string `json:"jobNumber"`
		Avatar      *string `json:"avatar"`
		Expires     int64   `json:"expires"`
	}{
		known(u.UserID), known(u.UnionID), known(u.OpenID), known(u.Name), u.Admin, known(u.CorpID),
		departments, known(u.Title), known(u.JobNumber), known(u.Avatar), expires,
	}
	b, _ := json.Marshal(out) // strings and numbers always marshal
	return append(dst, b...)
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// appendNumbers appends a comma list.
func appendNumbers(dst []byte, numbers []int64) []byte {
	for i, n := range numbers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return dst
}
