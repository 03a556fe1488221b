package doctor

import (
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

// Piece is a part of a URL, and whether the other URL has something else there.
type Piece struct {
	Text    string `json:"text"`
	Differs bool   `json:"differs,omitempty"`
}

// Difference is how two URLs differ: the one that the browser shows, and the one
// that was signed.
type Difference struct {
	// Parts are names of what differs: scheme, host, port, path, query. There are
	// none if the URLs are equal, or if one is none: anybody can send reports, and
	// nobody is to be advised of a text that is no origin.
	Parts []string
	// Shown and Signed are the URLs in pieces. A piece that differs may be empty:
	// there the other URL has something more.
	Shown, Signed []Piece

	shown, signed signer.Page
}

// Compare compares the URL that the browser shows with the one that was signed.
func Compare(shown, signed string) Difference {
	if shown == signed {
		return Difference{Shown: whole(shown, false), Signed: whole(signed, false)}
	}
	a, errA := signer.ParseURL(shown)
	b, errB := signer.ParseURL(signed)
	if errA != nil || errB != nil {
		known := shown != "" && signed != ""
		return Difference{Shown: whole(shown, known), Signed: whole(signed, known)}
	}
	d := Difference{shown: a, signed: b}
	d.part("scheme", a.Origin.Scheme, b.Origin.Scheme)
	d.same("://")
	d.part("host", a.Origin.Host, b.Origin.Host)
	d.part("port", colon(a.Origin.Port), colon(b.Origin.Port))
	aPath, aQuery := cutQuery(a.Target)
	bPath, bQuery := cutQuery(b.Target)
	d.inside("path", aPath, bPath)
	d.inside("query", aQuery, bQuery)
	return d
}

// whole is a URL in one piece, none if it is unknown.
func whole(url string, differs bool) []Piece {
	if url == "" {
		return nil
	}
	return []Piece{{url, differs}}
}

// part adds a part that differs as a whole.
func (d *Difference) part(name, shown, signed string) {
	if shown == signed {
		d.same(shown)
		return
	}
	d.Parts = append(d.Parts, name)
	d.Shown = append(d.Shown, Piece{shown, true})
	d.Signed = append(d.Signed, Piece{signed, true})
}

// inside adds a part of which only the middle differs.
func (d *Difference) inside(name, shown, signed string) {
	from := 0
	for from < len(shown) && from < len(signed) && shown[from] == signed[from] {
		from++
	}
	tail := 0
	for tail < len(shown)-from && tail < len(signed)-from && shown[len(shown)-1-tail] == signed[len(signed)-1-tail] {
		tail++
	}
	d.same(shown[:from])
	d.part(name, shown[from:len(shown)-tail], signed[from:len(signed)-tail])
	d.same(shown[len(shown)-tail:])
}

// same adds what both have.
func (d *Difference) same(text string) {
	if text != "" {
		d.Shown, d.Signed = extend(d.Shown, text), extend(d.Signed, text)
	}
}

// extend appends a text that does not differ, to the last piece if that does not
// either.
func extend(pieces []Piece, text string) []Piece {
	if n := len(pieces); n > 0 && !pieces[n-1].Differs {
		pieces[n-1].Text += text
		return pieces
	}
	return append(pieces, Piece{Text: text})
}

func colon(port string) string {
	if port == "" {
		return ""
	}
	return ":" + port
}

// cutQuery cuts a target before its question mark: an empty query is one, too.
func cutQuery(target string) (path, query string) {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i:]
	}
	return target, ""
}
