package suite

// Kind is why a corp is not served.
type Kind int

const (
	// Unknown: the corp has not authorised the suite, as far as can be known, or has
	// no such agent. Also beyond the look-ups that a process makes in a minute.
	Unknown Kind = iota
	// Revoked: the corp had authorised the suite, and does no longer.
	Revoked
	// Ambiguous: the corp has several agents of the suite, and none was named.
	Ambiguous
	// Unavailable: whether it has cannot be found out now, because DingTalk does not
	// say, or because there is no suite_ticket. Err tells why.
	Unavailable
)

// Error is why a corp is not served.
type Error struct {
	Kind   Kind
	CorpID string
	Err    error // the cause of Unavailable, an *oapi.Error where it is DingTalk's; else nil
}

func (e *Error) Error() string {
	switch e.Kind {
	case Revoked:
		return "the corp has revoked or stopped the suite"
	case Ambiguous:
		return "the corp has several agents of the suite"
	case Unavailable:
		return "looking up the corp: " + e.Err.Error()
	}
	return "the corp has not authorised the suite"
}

func (e *Error) Unwrap() error { return e.Err }
