package doctor

import (
	"os"
	"strings"
)

// Language is one that people read here.
type Language int

// The languages.
const (
	English Language = iota
	Chinese
)

// In is the text in one language.
func (t Text) In(l Language) string {
	if l == Chinese {
		return t.ZH
	}
	return t.EN
}

// Both is the text in both languages, where nobody knows which one is read.
func (t Text) Both() string { return t.EN + " / " + t.ZH }

// For is the text for who sends that Accept-Language: in both languages where it names
// neither, as that of programs on a terminal.
func (t Text) For(acceptLanguage string) string {
	if l := Accepted(acceptLanguage, English); l == Accepted(acceptLanguage, Chinese) {
		return t.In(l)
	}
	return t.Both()
}

// Accepted is the language that an Accept-Language prefers, and the other one where it
// names neither. Browsers list their languages in the order of preference.
func Accepted(acceptLanguage string, otherwise Language) Language {
	accept := strings.ToLower(acceptLanguage)
	zh, en := strings.Index(accept, "zh"), strings.Index(accept, "en")
	switch {
	case zh < 0 && en < 0:
		return otherwise
	case zh >= 0 && (en < 0 || zh < en):
		return Chinese
	}
	return English
}

// LanguageOfTerminal is that of a terminal, by the variables that programs ask in this
// order: the first one that is set counts (POSIX, 8.2).
func LanguageOfTerminal() Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(strings.ToLower(value), "zh") {
				return Chinese
			}
			return English
		}
	}
	return English
}
