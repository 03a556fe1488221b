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
	variable = regexp.MustCompile(`^(\$\w+|\$\{\w+\}|\$\(\w+\)|%\w+%|\{\{.*\}\}|\$env:\w+)$`)
	// unclosed is a placeholder of ours that lacks its end.
	unclosed = regexp.MustCompile(`^\{(env\.|file\.|\$)[^}]*$`)
	// assignment is the line of an env file or of a shell.
	assignment = regexp.MustCompile(`^(export\s+)?[A-Za-z_]\w*=[^=]`)
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

// PastedSecret says what is wrong with a secret, or a token, that was copied by hand: nil if
// nothing is.
func PastedSecret(s string) error {
	if err := Habit(s); err != nil {
		return err
	}
	return secret(Secret(s))
}

// secret checks what all secrets of DingTalk's console are: one word in ASCII.
func secret(s Secret) error {
	if later(string(s)) {
		return nil
	}
	if strings.ContainsFunc(string(s), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return doctor.Wrong("its value must be one word of printable ASCII: copy it from the DingTalk developer console, and put nothing else into its file")
	}
	return nil
}

// agentID checks that the identifier is the app's AgentId and no other of its names.
func agentID(s string) error {
	if later(s) {
		return nil
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return doctor.Wrong("%q must be digits: copy the AgentId of the app from the DingTalk developer console, not its name, AppId or AppKey", s)
	}
	return nil
}

// switches are words for a setting that is switched on or off.
var switches = []string{"true", "false", "on", "off", "yes", "no", "all", "*", "1", "0"}

func isSwitch(s string) bool { return slices.Contains(switches, strings.ToLower(s)) }
