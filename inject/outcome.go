package inject

// Outcome is what became of the answer to a request for a document. It counts when
// Finish has returned.
type Outcome int

const (
	// Untouched is an answer that is not a page.
	Untouched Outcome = iota
	// Inserted is a page that has its snippet.
	Inserted
	// Declined is a page for which Insert had no snippet.
	Declined
	// NoPlace is HTML without a place for a script: its first 64 KiB are a comment, it
	// ends within a tag, or it is not coded as it says.
	NoPlace
	// NoASCII is HTML in a charset that takes no ASCII, such as UTF-16 or ISO-2022-JP.
	NoASCII
	// UnknownCoding is HTML with a content coding that cannot be taken off and put on
	// again. Refused names it.
	UnknownCoding
	// Busy is HTML in zstd that would have to be decoded while too many such pages are
	// being read slowly.
	Busy
)

// Outcome returns what became of the answer.
func (w *Writer) Outcome() Outcome { return w.page.outcome }
