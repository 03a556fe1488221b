package config

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// Suite is a third-party app (ISV), whose corps are learnt from DingTalk.
type Suite struct {
	// The SuiteKey. Required.
	SuiteKey string `json:"suite_key,omitempty"`
	// The SuiteSecret. Required. Write {env.NAME} or {file./path}.
	SuiteSecret Secret `json:"suite_secret,omitempty"`
	// The token that DingTalk signs its pushes with. `token` and `aes_key` are required
	// unless `suite_ticket` stands instead.
	Token Secret `json:"token,omitempty"`
	// The key that DingTalk encrypts its pushes with: 43 characters.
	AESKey Secret `json:"aes_key,omitempty"`
	// For custom (定制) and test apps, to which DingTalk pushes nothing: any text, which
	// stands in for the suite_ticket.
	SuiteTicket Secret `json:"suite_ticket,omitempty"`
	// Which of the suite's micro apps the pages are of. Default: the only one.
	AppID string `json:"app_id,omitempty"`
	// The path of the app's own callback, at which pushes are listened to and passed on
	// unchanged. Default: there is none, they come to `<endpoint>/callback`.
	Callback string `json:"callback,omitempty"`
}

// ForSuite returns the configuration of a directive whose only app has the key and the
// secret of that suite, for calls that DingTalk takes from all apps alike.
func (c *Config) ForSuite(s *Suite) Config {
	return c.ForTenant(&Tenant{AppKey: s.SuiteKey, AppSecret: s.SuiteSecret, JSAPIList: c.JSAPIList, Type: new(int), Hash: c.Hash})
}

// String hides the secrets: fmt prints what a slice holds without asking its Secrets.
func (s Suite) String() string { return fmt.Sprintf("suite(%s)", s.SuiteKey) }

// GoString hides the secrets from %#v.
func (s Suite) GoString() string { return s.String() }

// UnmarshalJSON reads the fields as strictly as those of a Config.
func (s *Suite) UnmarshalJSON(text []byte) error {
	type plain Suite // without this method
	return unmarshal(text, (*plain)(s), namesOf[Suite](), SuggestionIn[Suite])
}

// Texts, secrets and lists are the fields that may hold placeholders.
func (s *Suite) texts() map[string]*string {
	return map[string]*string{"suite_key": &s.SuiteKey, "app_id": &s.AppID, "callback": &s.Callback}
}

func (s *Suite) secrets() map[string]*Secret {
	return map[string]*Secret{"suite_secret": &s.SuiteSecret, "token": &s.Token, "aes_key": &s.AESKey, "suite_ticket": &s.SuiteTicket}
}

func (s *Suite) lists() map[string]*[]string { return nil }

// CheckSuite checks one field of a suite, by its JSON name.
func CheckSuite(s *Suite, name string) error {
	check, known := suiteChecks[name]
	if !known {
		return nil
	}
	err := habitsOf(s, name)
	if err == nil {
		err = check(s)
	}
	if err != nil {
		return fmt.Errorf("suite %s: %s: %w", s.SuiteKey, name, err)
	}
	return nil
}

// suiteChecks are the rules for single fields.
var suiteChecks = map[string]func(*Suite) error{
	"suite_key":    func(s *Suite) error { return key(s.SuiteKey) },
	"suite_secret": func(s *Suite) error { return secret(s.SuiteSecret) },
	"token":        func(s *Suite) error { return secret(s.Token) },
	"aes_key":      func(s *Suite) error { _, err := s.key(); return err },
	"suite_ticket": func(s *Suite) error { return ownWord(string(s.SuiteTicket), "test") },
	"app_id":       func(s *Suite) error { return appID(s.AppID) },
	"callback":     func(s *Suite) error { return callbackPath(s.Callback) },
}

// CompleteSuite checks the fields of a suite together.
func CompleteSuite(s *Suite) error {
	pushed := s.Token != "" || s.AESKey != ""
	var err error
	switch {
	case s.SuiteKey == "":
		err = doctor.Wrong("suite_key is missing: write the SuiteKey of the DingTalk developer console")
	case s.SuiteSecret == "":
		err = doctor.Wrong("suite_secret is missing: add suite_secret {env.DINGTALK_SUITE_SECRET}")
	case pushed && s.SuiteTicket != "":
		err = doctor.Wrong("suite_ticket stands beside token and aes_key: keep suite_ticket for a custom or test app, token and aes_key for any other")
	case s.SuiteTicket != "" && s.Callback != "":
		err = doctor.Wrong("callback needs token and aes_key, as DingTalk pushes nothing to an app with suite_ticket: remove callback")
	case s.SuiteTicket != "":
	case s.Token == "":
		err = doctor.Wrong("token is missing: add token {env.DINGTALK_SUITE_TOKEN}, or for a custom or test app suite_ticket instead of token and aes_key")
	case s.AESKey == "":
		err = doctor.Wrong("aes_key is missing: add aes_key {env.DINGTALK_SUITE_AES_KEY}, the 43 characters of the DingTalk developer console")
	}
	if err != nil {
		return fmt.Errorf("suite %s: %w", s.SuiteKey, err)
	}
	return nil
}

// DistinctSuite makes sure that no earlier suite has the key or the callback of the last
// one.
func DistinctSuite(suites []Suite) error {
	last := suites[len(suites)-1]
	for _, s := range suites[:len(suites)-1] {
		switch {
		case s.SuiteKey == last.SuiteKey:
			return doctor.Wrong("suite %s is given twice: keep one block", s.SuiteKey)
		case s.Callback != "" && s.Callback == last.Callback:
			return doctor.Wrong("suite %s: callback: %s is that of suite %s, too: each suite needs a path of its own", last.SuiteKey, s.Callback, s.SuiteKey)
		}
	}
	return nil
}

func checkSuites(c *Config) error {
	for i := range c.Suites {
		s := &c.Suites[i]
		for _, name := range slices.Sorted(maps.Keys(suiteChecks)) {
			if err := CheckSuite(s, name); err != nil {
				return err
			}
		}
		if err := CompleteSuite(s); err != nil {
			return err
		}
		if err := DistinctSuite(c.Suites[:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// completeSuites checks suites together with the rest.
func completeSuites(c *Config) error {
	own := c.Endpoint
	if own == "" {
		own = DefaultEndpoint
	}
	for _, s := range c.Suites {
		if s.Callback == own || strings.HasPrefix(s.Callback, own+"/") {
			return doctor.Wrong("suite %s: callback: %s lies under the endpoint %s, where pushes are answered anyway: leave out the line, or write the path of the app's own callback", s.SuiteKey, s.Callback, own)
		}
	}
	return nil
}

// lenAESKey is how many characters an aes_key has: base64 of 32 bytes without the =.
const lenAESKey = 43

// Key returns the 32 bytes of the aes_key of a suite that has been validated, nil if it
// has none.
func (s *Suite) Key() []byte {
	key, _ := s.key()
	return key
}

// key decodes the aes_key. Of its last character two bits belong to no byte, and DingTalk
// gives out keys in which these are not 0: the decoder must not be strict.
func (s *Suite) key() ([]byte, error) {
	text := string(s.AESKey)
	if err := misplaced(text); err != nil || later(text) {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text + "=")
	if len(text) != lenAESKey || err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, doctor.Wrong("its value has %d characters and must be the %d letters and digits (base64) of the DingTalk developer console, without a = behind them", len(text), lenAESKey)
	}
	return key, nil
}

// appID checks the number of a micro app.
func appID(s string) error {
	if later(s) || strings.Trim(s, "0123456789") == "" {
		return nil
	}
	return doctor.Wrong("its value must be digits: copy the AppId of the micro app from the DingTalk developer console, not its name or SuiteId")
}

func callbackPath(s string) error {
	if later(s) {
		return nil
	}
	path := strings.TrimRight(pathOf(s), "/")
	switch {
	case path != s && strings.HasSuffix(path, DefaultEndpoint+"/callback"):
		return doctor.Wrong("%q is where pushes are answered anyway: leave out the line", s)
	case path != s && isEndpoint(path) && !isCatchAll(s):
		return doctor.Wrong("%q must be a path: write %s", s, path)
	case !isEndpoint(s):
		return doctor.Wrong("%q must be one path of letters, digits and - . _ ~ without query, wildcard and slash at its end, such as /ding/callback", s)
	}
	return nil
}
