package sandbox

import (
	"bytes"
	"slices"
)

// tampers spoil a push, each in a way of its own. Those of parcel change what is encrypted, all
// rightly signed; those of letter change what was signed.
var (
	parcels = map[string]func(plain []byte) []byte{
		"short_padding": func(plain []byte) []byte { return whole(plain, 0) },
		"long_padding":  func(plain []byte) []byte { return whole(plain, padTo+1) },
		"length": func(plain []byte) []byte {
			copy(plain[16:20], []byte{0xFF, 0xFF, 0xFF, 0xFF})
			return padded(plain)
		},
		"one_block": func([]byte) []byte { return bytes.Repeat([]byte{16}, 16) },
	}
	letters = map[string]func(l *letter){
		"signature": func(l *letter) { l.signature = flip(l.signature) },
		"encrypt":   func(l *letter) { l.encrypt = flip(l.encrypt) },
		"nonce":     func(l *letter) { l.nonce = flip(l.nonce) },
		"timestamp": func(l *letter) { l.timestamp = flip(l.timestamp) },
	}
	tampers = []string{
		"signature", "encrypt", "nonce", "timestamp", // changed after the signing
		"token", "aes_key", "key", // signed with another token, encrypted with another key, for another receiver
		"short_padding", "long_padding", "length", "one_block", // padding 0, padding 33, length 2³²-1, 16 bytes
		"15_bytes", "17_bytes", "empty", // of ciphertext
		"not_base64", "not_json", "no_query",
	}
)

// letter is a push as it is sent.
type letter struct{ signature, timestamp, nonce, encrypt string }

// whole fills the last block with bytes of a value that need not be their number.
func whole(plain []byte, value byte) []byte {
	return append(plain, bytes.Repeat([]byte{value}, padTo-len(plain)%padTo)...)
}

// flip changes a bit of the first letter or digit where one is left when it is changed. Each
// of what is pushed has some.
func flip(s string) string {
	b := []byte(s)
	can := func(c byte) bool { return c >= '0' && c <= '9' || c >= 'b' && c <= 'y' || c >= 'B' && c <= 'Y' }
	if i := slices.IndexFunc(b, can); i >= 0 {
		b[i] ^= 1
	}
	return string(b)
}
