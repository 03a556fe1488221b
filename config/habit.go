package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// fielded is a block whose fields are known by their names.
type fielded interface {
	texts() map[string]*string
	secrets() map[string]*Secret
	lists() map[string]*[]string
}

// habitsOf looks for what the habits of other tools leave in the value of a field:
// literals of a Caddyfile and values of variables and files alike. The error names
// the offence. It shows no value, which may be a secret.
func habitsOf(block fielded, name string) error {
	var values []string
	if text := block.texts()[name]; text != nil {
		values = append(values, *text)
	}
	if secret := block.secrets()[name]; secret != nil {
		values = append(values, string(*secret))
	}
	if list := block.lists()[name]; list != nil {
		values = append(values, *list...)
	}
	for _, v := range values {
		if err := Habit(v); err != nil {
			return err
		}
	}
	return nil
}

var (
	// variable is how shells, Compose files and Windows write a variable.
	variable = regexp.MustCompile(`^(\$\w+|\$\{[\w.]+\}|\$\(\w+\)|%\w+%|\{\{.*\}\}|\$env:\w+)$`)
	// unclosed is a placeholder of ours that lacks its end.
	unclosed = regexp.MustCompile(`^\{(env\.|file\.|\$)[^}]*$`)
	// assignment is the line of an env file or of a shell.
	assignment = regexp.MustCompile(`^(export\s+)?[A-Za-z_]\w*\s*=[^=]`)
	// document is JSON or YAML, of which a value is but a part.
	document = regexp.MustCompile(`^([{\[]\s*["{\[]|[{\[]\s|---|[\w.-]+:\s)`)
	// fileName is how a file is named. No secret begins so, those in base64 included.
	fileName = regexp.MustCompile(`^(\.{1,2}/|~/|file:/|[A-Za-z]:[\\/]|/(app|config|data|dev|etc|home|media|mnt|opt|private|proc|root|run|secrets?|srv|tmp|usr|Users|var|vault|volumes?)/|` +
		`[\w./-]+\.(txt|json|ya?ml|env|key|pem|secret|conf|ini)$)`)
	// named is a variable by its name alone, without the braces that make a placeholder of it.
	named = regexp.MustCompile(`^(env\.\w+|file\.?/[\w./-]+|[A-Z][A-Z0-9]*(_[A-Z0-9]+)+)$`)
	// consoleKey is an AppKey (ClientID) or a SuiteKey, as the console shows it above its secret.
	consoleKey = regexp.MustCompile(`^(ding|suite)[a-z0-9]{16}$`)
	// consoleSecret is the secret of one: longer than all names that DingTalk gives.
	consoleSecret = regexp.MustCompile(`^[\w-]{60,}$`)
)

const quotes = "\"'`“”‘’「」"

// Habit says what is wrong with a value, or with a matcher, and what to do: nil if nothing is.
func Habit(v string) error {
	switch {
	case v == "":
		return nil
	case strings.ContainsFunc(v, invisible):
		return doctor.Wrong("its value holds an invisible character (a byte order mark or a zero-width space): type it anew, and save the file as UTF-8 without BOM")
	case strings.HasSuffix(v, ";") || strings.HasSuffix(v, "；"):
		return doctor.Wrong("its value ends with a semicolon: a Caddyfile line ends without ;")
	case strings.HasSuffix(v, ",") || strings.HasSuffix(v, "，"):
		return doctor.Wrong("its value ends with a comma: a Caddyfile line ends without it, and a list has spaces between its values")
	case strings.ContainsRune(quotes, []rune(v)[0]):
		return doctor.Wrong("its value is in quotes that belong to it: remove them (docker's --env-file and a secret's file take quotes as they are)")
	case variable.MatchString(v):
		return doctor.Wrong("its value is a variable that nobody replaces here: write {env.NAME}")
	case unclosed.MatchString(v):
		return doctor.Wrong("its value is a placeholder without its closing brace: write {env.NAME}")
	case assignment.MatchString(v):
		return doctor.Wrong("its value is a whole line NAME=value: keep what stands behind the =")
	case strings.HasPrefix(v, "<") && strings.HasSuffix(v, ">"):
		return doctor.Wrong("its value stands in < >, as the instructions write what is to be filled in: write the value itself")
	case strings.HasPrefix(v, "="):
		return doctor.Wrong("its value begins with =: a Caddyfile has a space between name and value")
	case strings.HasPrefix(v, "//") && !strings.Contains(v, "."):
		return doctor.Wrong("its value begins with //: comments of a Caddyfile begin with #")
	}
	return nil
}

// invisible reports whether a character shows nowhere, so that nobody sees why a
// value is wrong.
func invisible(r rune) bool {
	return r == '\uFEFF' || r == '\u00AD' || unicode.Is(unicode.Cf, r)
}

// PastedValue says what is wrong with a secret, or an address that holds one, whoever gave
// it: nil if it may be one.
func PastedValue(s string) error {
	if err := Habit(s); err != nil {
		return err
	}
	return misplaced(s)
}

// PastedSecret says what is wrong with a secret, or a token, that was copied by hand: nil if
// nothing is.
func PastedSecret(s string) error {
	if err := Habit(s); err != nil {
		return err
	}
	return secret(Secret(s))
}

// misplaced says what stands in the place of a secret, or of a name that DingTalk gives: nil
// if it may be one. It shows the path of a file, and nothing else.
func misplaced(s string) error {
	switch path := strings.TrimPrefix(s, "file://"); {
	case isSwitch(s):
		return doctor.Wrong("its value is a word to switch something on or off: write the value itself")
	case document.MatchString(s):
		return doctor.Wrong("its value is JSON or YAML: put the value alone into its variable or file, without its name, braces and quotes")
	case fileName.MatchString(s) && (strings.HasPrefix(path, "/") || strings.Index(path, ":") == 1):
		return doctor.Wrong("its value is the path of a file, not what is in it: write {file.%s}", path)
	case fileName.MatchString(s):
		return doctor.Wrong("its value is the name of a file, not what is in it: write {file./path}, with its whole path")
	}
	return nil
}

// word checks what all that DingTalk's console gives is: one word in ASCII. The error shows
// no value, which may be that of a file with the secret beside it.
func word(s string) error {
	if err := misplaced(s); err != nil || later(s) {
		return err
	}
	switch {
	case named.MatchString(s):
		return doctor.Wrong("its value is the name of a variable or file, without braces around it: write {env.NAME} or {file./path}")
	case s[0] == '/': // what the console gives has none
		return doctor.Wrong("its value is the path of a file, not what is in it: write {file.%s}", s)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return doctor.Wrong("its value must be one word of printable ASCII: copy it from the DingTalk developer console, and put nothing else into its file")
	}
	return nil
}

// secret checks a secret of DingTalk's console.
func secret(s Secret) error {
	if consoleKey.MatchString(string(s)) {
		return doctor.Wrong("its value is an AppKey (ClientID) or SuiteKey: copy the secret, which stands below it in the DingTalk developer console")
	}
	return word(string(s))
}

// key checks an AppKey or SuiteKey.
func key(s string) error {
	if consoleSecret.MatchString(s) {
		return doctor.Wrong("its value is a secret by its form: copy the AppKey (ClientID) or SuiteKey, which stands above it in the DingTalk developer console")
	}
	return word(s)
}

// ownWord checks one word that is nobody's but the operator's.
func ownWord(s, example string) error {
	if !later(s) && strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return doctor.Wrong("must be one word of printable ASCII, such as %s", example)
	}
	return nil
}

// agentID checks that the identifier is the app's AgentId and no other of its names.
func agentID(s string) error {
	if later(s) {
		return nil
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return doctor.Wrong("its value must be digits: copy the AgentId of the app from the DingTalk developer console, not its name, AppId or AppKey")
	}
	return nil
}

// ons and offs are words for a setting that is switched on or off.
var (
	ons  = []string{"true", "on", "yes", "enable", "enabled", "1"}
	offs = []string{"false", "off", "no", "disable", "disabled", "0"}
)

// isSwitch reports whether a value is a word to switch something, and nothing else. Digits
// are not among them.
func isSwitch(s string) bool { return len(s) > 1 && (IsOn(s) || IsOff(s)) }

// IsOn reports whether a value says that something is to be switched on.
func IsOn(s string) bool { return slices.Contains(ons, strings.ToLower(s)) }

// IsOff reports whether a value says that something is to be switched off.
func IsOff(s string) bool { return slices.Contains(offs, strings.ToLower(s)) }

// isCatchAll reports whether a value says no more than that something is wanted, or all of it.
func isCatchAll(s string) bool {
	return IsOn(s) || IsOff(s) || s == "*" || strings.EqualFold(s, "all")
}
