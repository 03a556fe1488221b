package doctor

// MistakeError is an error about a configuration, in both languages.
type MistakeError struct {
	text   Text
	causes []error
}

// Wrong makes a MistakeError. The English stands where the mistake is found, and is how the
// catalogue below knows it; a test holds that each one is in there.
func Wrong(en string, args ...any) error {
	m := &MistakeError{text: Hint(en, args...)}
	for _, arg := range args {
		if cause, is := arg.(error); is {
			m.causes = append(m.causes, cause)
		}
	}
	return m
}

// Hint is a part of a MistakeError, for the arguments of Wrong, and stands in the same
// catalogue.
func Hint(en string, args ...any) Text {
	zh, known := mistakes[en]
	if !known {
		zh = en
	}
	return say(en, zh, args...)
}

// Error is the English text, as logs and Caddy show it.
func (m *MistakeError) Error() string { return m.text.EN }

// Unwrap returns the errors that the text quotes.
func (m *MistakeError) Unwrap() []error { return m.causes }
