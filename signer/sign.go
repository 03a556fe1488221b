package signer

import (
	"crypto/sha1" // DingTalk's choice: the hash proves possession of the ticket, collisions do not matter
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

// Hash is the hash of the signature. DingTalk accepts both.
type Hash int

const (
	SHA1 Hash = iota
	SHA256
)

// Signer makes signatures of one kind. Its zero value is what DingTalk's
// samples of most years do.
type Signer struct {
	Policy Policy
	Hash   Hash
}

// Signed are the parts of dd.config that belong to one signature.
type Signed struct {
	NonceStr  string // 16 characters a-z2-7
	TimeStamp string // seconds since 1970
	Signature string // lower-case hex
}

const nonceLen = 16

// Sign signs the URL of a page (without fragment) with the ticket, a fresh nonceStr
// and the time now. There is an error where the signature would also fit the URL of
// a site that is neither the page's own nor one of the others.
func (s Signer) Sign(ticket, url string, now time.Time, others ...Origin) (Signed, *Error) {
	var nonce [nonceLen]byte
	fillNonce(&nonce)
	var stamp [20]byte
	var room [256]byte
	hashed := appendForm(room[:0], url, s.Policy)
	if splits(hashed, url, others) {
		return Signed{}, &Error{Reason: Splits}
	}
	return s.sign(ticket, hashed, nonce[:], strconv.AppendInt(stamp[:0], now.Unix(), 10)), nil
}

// Made reports whether this signature of a URL has been made with the ticket.
func (s Signer) Made(signed Signed, ticket, url string) bool {
	return s.sign(ticket, appendForm(nil, url, s.Policy), []byte(signed.NonceStr), []byte(signed.TimeStamp)).Signature == signed.Signature
}

// sign hashes the text of a signature. All of the result lies in one allocation.
func (s Signer) sign(ticket string, hashed, nonce, stamp []byte) Signed {
	var room [512]byte
	plain := appendText(room[:0], ticket, nonce, stamp, hashed)

	var out [128]byte
	res := append(out[:0], nonce...)
	res = append(res, stamp...)
	if s.Hash == SHA256 {
		sum := sha256.Sum256(plain)
		res = hex.AppendEncode(res, sum[:])
	} else {
		sum := sha1.Sum(plain)
		res = hex.AppendEncode(res, sum[:])
	}
	all, a, b := string(res), len(nonce), len(nonce)+len(stamp)
	return Signed{NonceStr: all[:a], TimeStamp: all[a:b], Signature: all[b:]}
}

// appendText appends what is hashed, `jsapi_ticket=…&noncestr=…&timestamp=…&url=…`
// (DingTalk, jsapi-authentication).
func appendText(dst []byte, ticket string, nonce, stamp, hashed []byte) []byte {
	dst = append(dst, "jsapi_ticket="...)
	dst = append(dst, ticket...)
	dst = append(dst, "&noncestr="...)
	dst = append(dst, nonce...)
	dst = append(dst, "&timestamp="...)
	dst = append(dst, stamp...)
	dst = append(dst, "&url="...)
	return append(dst, hashed...)
}

// sum is the hash of a text, in lower-case hex.
func (h Hash) sum(text []byte) string {
	if h == SHA256 {
		sum := sha256.Sum256(text)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:])
}

// fillNonce fills nonce with random letters and digits; five bits each, so that
// all are equally likely. The nonceStr is public and guards nothing (the ticket
// does): it need not be unpredictable, and it is made for every page.
func fillNonce(nonce *[nonceLen]byte) {
	for half := range 2 {
		bits := rand.Uint64()
		for i := range nonceLen / 2 {
			nonce[half*nonceLen/2+i] = "abcdefghijklmnopqrstuvwxyz234567"[bits>>(5*i)&31]
		}
	}
}
