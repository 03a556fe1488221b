package oapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// call is one call, as DingTalk spells it. DingTalk has two families of them,
// which do not cross over: oapi.dingtalk.com takes the access token in the query
// and answers HTTP 200 to refusals, too; api.dingtalk.com/v1.0 takes it in a header.
type call struct {
	name    string     // the path behind the base, and Error.Call
	v1      bool       // of api.dingtalk.com/v1.0
	suite   bool       // it logs in as a third-party app: see kindOfSuiteCode
	token   string     // the access token; "" where the call brings credentials of its own
	query   url.Values // beside the token
	body    any        // a JSON object, POSTed; nil for a GET
	secrets []string   // what else of query and body no error may repeat
}

// usable is what the answer to a call is decoded into: a struct that is like
// DingTalk's JSON, with names in `json` tags. See decode.
type usable interface {
	// missing names the field without which the answer is of no use, "" if
	// nothing is missing.
	missing() string
}

// do makes a call and decodes its answer. It is a success only if the HTTP status
// is 2xx, errcode is absent or 0, and nothing is missing. An error is an *Error.
func do[T usable](ctx context.Context, c *Client, made call) (T, error) {
	var into T
	got, err := c.exchange(ctx, made)
	if err != nil {
		return into, err
	}
	decode(got.fields, &into)
	if err := got.verdict(into.missing()); err != nil {
		var none T
		return none, err
	}
	return into, nil
}

// exchange makes a call. The caller's context and the client's own timeout both
// end it, also amid a slow body.
func (c *Client) exchange(ctx context.Context, made call) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()

	if made.token != "" && !isToken(made.token) {
		return nil, made.unsent(Token, errToken)
	}
	req, err := made.request(ctx, c.o)
	if err != nil {
		return nil, made.unsent(Parameter, err)
	}
	hide := redactor{req.URL.String(), append([]string{c.secret, made.token}, made.secrets...)}

	// RoundTrip, unlike http.Client, follows no redirect and keeps no cookie:
	// the secret goes to this host and to no other.
	resp, err := c.o.Transport.RoundTrip(req)
	if err != nil {
		return nil, made.unanswered(ctx, 0, err, hide)
	}
	defer resp.Body.Close()

	if resp.StatusCode/100 == 3 {
		return nil, &Error{Call: made.name, V1: made.v1, Status: resp.StatusCode, Kind: Garbage, Err: redirected(resp, hide)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit+1))
	if err != nil {
		return nil, made.unanswered(ctx, resp.StatusCode, err, hide)
	}
	return made.read(resp.StatusCode, body, hide)
}

var (
	errBase  = errors.New("the base is no http or https URL")
	errToken = errors.New("there is no access token that can be sent")
)

// request builds the call. Its error tells nothing of the credentials, nor of
// the base, where somebody may have put a password.
func (made call) request(ctx context.Context, o Options) (*http.Request, error) {
	base := strings.TrimRight(o.OAPI, "/") + "/"
	if made.v1 {
		base = strings.TrimRight(o.API, "/") + "/v1.0/"
	}
	u, err := url.Parse(base + made.name)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errBase
	}
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {o.UserAgent}}
	query := url.Values{}
	for name, values := range made.query {
		query[name] = values
	}
	switch {
	case made.token == "":
	case made.v1:
		header.Set("x-acs-dingtalk-access-token", made.token)
	default:
		query.Set("access_token", made.token)
	}
	u.RawQuery = query.Encode()

	method, body := http.MethodGet, []byte(nil)
	if made.body != nil {
		if body, err = json.Marshal(made.body); err != nil {
			return nil, errors.New("the call cannot be written as JSON")
		}
		method = http.MethodPost
		header.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(string(body)))
	if err != nil {
		return nil, errBase
	}
	req.Header = header
	return req, nil
}

// unsent is the error of a call that is not made.
func (made call) unsent(kind Kind, why error) *Error {
	return &Error{Call: made.name, V1: made.v1, Kind: kind, Err: why}
}

// unanswered is the error of a call whose answer did not arrive in full.
func (made call) unanswered(ctx context.Context, status int, err error, hide redactor) *Error {
	// The context may know more of the reason than the transport reports.
	reason := errors.Join(ctx.Err(), err)
	kind := Network
	var timeout net.Error
	switch {
	case status != 0 && ctx.Err() == nil && errors.Is(err, io.ErrUnexpectedEOF):
		kind = Garbage
	case errors.As(reason, &timeout) && timeout.Timeout():
		kind = Timeout
	}
	return &Error{Call: made.name, V1: made.v1, Status: status, Kind: kind, Err: &cause{hide.clean(err.Error(), maxMessage), reason}}
}
