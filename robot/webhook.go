package robot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// CheckWebhook returns what is wrong with the form of a webhook, and the cure. The
// error does not quote it and can follow its name.
func CheckWebhook(webhook string) error {
	_, err := parseWebhook(webhook)
	return err
}

func parseWebhook(webhook string) (*url.URL, error) {
	const whole = "copy it from the robot's settings (群设置 → 机器人 → Webhook), as in https://oapi.dingtalk.com/robot/send?access_token=…"
	u, err := url.Parse(webhook)
	switch {
	case blank(webhook):
		return nil, errors.New("is missing: " + whole)
	case err != nil || u.Host == "" || u.Hostname() == "" || strings.ContainsFunc(webhook, unicode.IsSpace):
		return nil, errors.New("is not a URL: " + whole)
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("has a user or a fragment, which no webhook has: " + whole)
	case u.Scheme == "http" && !private(u.Hostname()):
		return nil, errors.New("would send its token in the clear to another network: write https://, http:// is for loopback and private hosts only")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("is neither https nor http: " + whole)
	}
	query, err := url.ParseQuery(u.RawQuery)
	switch {
	case err != nil:
		return nil, errors.New("has a broken query: " + whole)
	case len(query["access_token"]) != 1 || blank(query.Get("access_token")):
		return nil, errors.New("has no access_token, or several: " + whole)
	case strings.ContainsFunc(query.Get("access_token"), foreign):
		return nil, errors.New("has an access_token with characters that no token has, such as … or a quote: " + whole)
	case query.Has("timestamp") || query.Has("sign"):
		return nil, errors.New("has a timestamp or sign of its own, which would be too old soon: " +
			"leave them out and give the secret (加签) instead")
	}
	return u, nil
}

// private reports whether a host is of this machine or of a private network: an
// address, or a name that only such a network resolves.
func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last == name || last == "localhost" || last == "internal" || last == "local"
}

// CheckSecret returns what is wrong with the form of a secret, and the cure. The
// error does not quote it and can follow its name. No secret is right, too.
func CheckSecret(secret string) error {
	rest, is := strings.CutPrefix(secret, "SEC")
	switch {
	case secret == "" || is && rest != "" && !strings.ContainsFunc(rest, foreign):
		return nil
	case is:
		return errors.New("was not copied whole, or with something that does not belong to it (…, a quote, a semicolon): " +
			"copy it again from the robot's settings (安全设置 → 加签)")
	}
	return errors.New("is not one of 加签, which begins with SEC: copy it from the robot's settings (安全设置 → 加签); " +
		"a keyword (自定义关键词) is another setting")
}

// foreign reports whether a character got into a token or secret when it was copied:
// DingTalk's are letters and digits.
func foreign(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\"'`;,<>(){}[]", r)
}

// target is the URL of one try. DingTalk takes a timestamp that is at most an hour
// from its own clock (customize-robot-security-settings, 2026-07-22).
func (r *Robot) target(now time.Time) (target, signature string) {
	if r.secret == "" {
		return r.webhook.String(), ""
	}
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	signature = sign(timestamp, r.secret)
	u := *r.webhook
	u.RawQuery += "&timestamp=" + timestamp + "&sign=" + url.QueryEscape(signature)
	return u.String(), signature
}

// sign returns base64(HMAC-SHA256(secret, timestamp + "\n" + secret)), not yet
// encoded for a query. timestamp is in milliseconds.
func sign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// hide takes token, secret and sign out of a text that others have written.
func (r *Robot) hide(text, signature string) string {
	for _, secret := range []string{r.token, r.secret, signature} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "[redacted]")
		}
	}
	return text
}
