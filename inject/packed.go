package inject

import (
	"bytes"

	"github.com/klauspost/compress/flate"
)

// Packed is a text that many snippets hold, and what it is as deflate data: blocks that
// refer to nothing but each other, none of them the last, and end at a byte. A page that
// is spliced carries these.
type Packed struct{ text, data []byte }

// Pack compresses a text, once for all pages.
func Pack(text string) *Packed {
	p := &Packed{text: []byte(text)}
	out := appender{}
	z, _ := flate.NewWriter(&out, flate.BestCompression) // the level is one
	_, _ = z.Write(p.text)                               // appending does not fail
	_ = z.Flush()
	p.data = out.b
	return p
}

// cut cuts a payload around the text: data stands for that, or is nil where the payload
// does not hold it.
func (p *Packed) cut(payload []byte) (before, data, after []byte) {
	if p == nil || len(p.text) == 0 {
		return payload, nil, nil
	}
	before, after, found := bytes.Cut(payload, p.text)
	if !found {
		return payload, nil, nil
	}
	return before, p.data, after
}
