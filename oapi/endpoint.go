package oapi

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// endpoint is a row of the table below: one call that brings a token or a ticket.
type endpoint struct {
	name            string // see call
	v1              bool
	id, secret      string // the names of the credentials; "" where an access token is all that is sent
	value, lifetime string // the names of what is answered
}

// The table. Sources: DingTalk pages obtain-the-access-token-of-an-internal-app,
// create-a-jsapi-ticket, obtain-orgapp-token and obtain-jsapi-ticket; the
// channel calls as old SDKs make them.
var (
	appToken  = endpoint{"oauth2/accessToken", true, "appKey", "appSecret", "accessToken", "expireIn"}
	appTicket = endpoint{"oauth2/jsapiTickets", true, "", "", "jsapiTicket", "expireIn"}

	legacyToken  = endpoint{"gettoken", false, "appkey", "appsecret", "access_token", "expires_in"}
	corpToken    = endpoint{"gettoken", false, "corpid", "corpsecret", "access_token", "expires_in"}
	legacyTicket = endpoint{"get_jsapi_ticket", false, "", "", "ticket", "expires_in"}

	channelToken  = endpoint{"channel/get_channel_token", false, "corpid", "channel_secret", "access_token", "expires_in"}
	channelTicket = endpoint{"channel/get_channel_jsapi_ticket", false, "", "", "ticket", "expires_in"}
)

// login is the call that brings an access token.
func (e endpoint) login(id, secret string) call {
	made := call{name: e.name, v1: e.v1, secrets: []string{secret}}
	if e.v1 {
		made.body = map[string]string{e.id: id, e.secret: secret}
	} else {
		made.query = url.Values{e.id: {id}, e.secret: {secret}}
	}
	return made
}

// ticket is the call that brings a ticket.
func (e endpoint) ticket(accessToken string) call {
	made := call{name: e.name, v1: e.v1, token: accessToken}
	if e.v1 {
		made.body = struct{}{}
	}
	return made
}

// grant makes a call for a token or a ticket.
func (c *Client) grant(ctx context.Context, e endpoint, made call) (value string, lifetime time.Duration, err error) {
	got, err := c.exchange(ctx, made)
	if err != nil {
		return "", 0, err
	}
	return e.granted(got)
}

// granted takes the value and its lifetime from an answer.
func (e endpoint) granted(got *reply) (value string, lifetime time.Duration, err error) {
	_ = json.Unmarshal(got.fields[e.value], &value) // anything but a string is no value
	if !isToken(value) {
		return "", 0, got.verdict(e.value)
	}
	if err := got.verdict("", value); err != nil {
		return "", 0, err
	}
	return value, lifetimeOf(got.fields[e.lifetime]), nil
}

// isToken tells whether a value can be sent back in a header and a query.
func isToken(value string) bool {
	for _, c := range []byte(value) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return value != "" && len(value) <= 512
}

// lifetimeOf reads whole seconds, 1 to 86400 (a ticket lives 24 hours at most);
// anything else is 0.
func lifetimeOf(raw json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(seconds > 0 && seconds <= 24*60*60) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
