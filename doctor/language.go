package doctor

import (
	"os"
	"strconv"
	"strings"
	"unicode"
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

// Apart takes apart what Both has put together. A text of one language, or of which that
// cannot be told, stands for both.
func Apart(both string) Text {
	const joint = " / "
	parts := strings.Split(both, joint) // what both languages quote may hold it, too
	half := len(parts) / 2
	t := Text{EN: strings.Join(parts[:half], joint), ZH: strings.Join(parts[half:], joint)}
	if len(parts)%2 != 0 || !strings.ContainsFunc(t.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return Text{EN: both, ZH: both}
	}
	return t
}

// For is the text for who sends that Accept-Language: in both languages where it names
// neither, as that of programs on a terminal.
func (t Text) For(acceptLanguage string) string {
	if l := Accepted(acceptLanguage, English); l == Accepted(acceptLanguage, Chinese) {
		return t.In(l)
	}
	return t.Both()
}

// Accepted is the language that an Accept-Language prefers, and the other one where it
// names neither (RFC 9110 section 12.5.4).
func Accepted(acceptLanguage string, otherwise Language) Language {
	best, quality := otherwise, 0.0
	for item := range strings.SplitSeq(strings.ToLower(acceptLanguage), ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		q := 1.0
		if text, weighed := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); weighed {
			q, _ = strconv.ParseFloat(text, 64)
		}
		primary, _, _ := strings.Cut(strings.TrimSpace(tag), "-")
		if language, ours := languages[primary]; ours && q > quality {
			best, quality = language, q
		}
	}
	return best
}

var languages = map[string]Language{"zh": Chinese, "en": English}

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
