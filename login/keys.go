package login

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// purpose is what a key is for. Each has a key of its own, and what is sealed for one
// opens for no other.
type purpose string

const (
	forSession purpose = "session"
	forState   purpose = "state"
	forJWT     purpose = "jwt"
)

// MinKey is how long a key of the configuration must be, in bytes.
const MinKey = 32

// Keys are the secrets that the cookies of one app are made with: the first seals, all
// open. They are the same in every process of a fleet that has the same secrets.
type Keys struct {
	secrets  []string
	session  []sealer
	state    []sealer
	identity string // corp and app, bound into all that is sealed
}

// Scope is the app that keys are for: what was sealed for one opens for no other.
type Scope struct{ CorpID, AppKey, AgentID string }

// NewKeys derives the keys of an app from its secrets, which may be keys of the
// configuration or, where there are none, the secret of the app's own credential.
func NewKeys(secrets []string, scope Scope) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("deriving login keys: there is no secret")
	}
	k := &Keys{secrets: secrets, identity: scope.CorpID + "\x00" + scope.AppKey + "\x00" + scope.AgentID}
	for _, secret := range secrets {
		for _, of := range []struct {
			purpose purpose
			sealers *[]sealer
		}{{forSession, &k.session}, {forState, &k.state}} {
			s, err := newSealer(secret, of.purpose, k.identity)
			if err != nil {
				return nil, err
			}
			*of.sealers = append(*of.sealers, s)
		}
	}
	return k, nil
}

// derive returns n bytes that belong to a secret and a purpose (HKDF-SHA256, RFC 5869).
func derive(secret string, p purpose, info string, n int) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(secret), nil, "caddy-dingtalk login "+string(p)+" "+info, n)
}

const (
	idSize    = 4  // of a key's name in front of what it sealed
	nonceSize = 12 // of AES-GCM
	tagSize   = 16 // of AES-GCM
	overhead  = idSize + nonceSize + tagSize
)

// sealer seals and opens with one key: AES-256-GCM with a random nonce, the key's name
// in front. A nonce repeats with odds of 2^-32 after 2^32 cookies, which is far more
// than a key ever seals.
type sealer struct {
	id   [idSize]byte
	aead cipher.AEAD
	data []byte // associated: purpose, corp and app
}

func newSealer(secret string, p purpose, identity string) (sealer, error) {
	key, err := derive(secret, p, "key", 32)
	if err != nil {
		return sealer{}, err
	}
	id, err := derive(secret, p, "id", idSize)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return sealer{}, err
	}
	return sealer{[idSize]byte(id), aead, []byte(string(p) + "\x00" + identity)}, nil
}

// seal returns base64 of the key's name, the nonce and the sealed plain text.
func (s sealer) seal(plain []byte) string {
	box := make([]byte, idSize+nonceSize, overhead+len(plain))
	copy(box, s.id[:])
	_, _ = rand.Read(box[idSize:]) // never fails
	box = s.aead.Seal(box, box[idSize:], plain, s.data)
	return encoding.EncodeToString(box)
}

// open returns the plain text of a value, and whether the first of the keys sealed it.
// What is too long, foreign or altered is not opened.
func open(sealers []sealer, value string) (plain []byte, first, ok bool) {
	if len(value) > maxValue {
		return nil, false, false
	}
	box := make([]byte, base64.RawURLEncoding.DecodedLen(len(value)))
	n, err := encoding.Decode(box, []byte(value))
	if err != nil || n < overhead {
		return nil, false, false
	}
	for i := range sealers {
		s := &sealers[i]
		if s.id != [idSize]byte(box) {
			continue
		}
		sealed := box[idSize+nonceSize : n]
		plain, err := s.aead.Open(sealed[:0], box[idSize:idSize+nonceSize], sealed, s.data)
		if err == nil {
			return plain, i == 0, true
		}
	}
	return nil, false, false
}

// maxValue is the longest value of a cookie, in bytes. Browsers keep 4096 of name,
// value and attributes together; apps and proxies in between like less.
const maxValue = 2 << 10

// encoding takes each value in one spelling only.
var encoding = base64.RawURLEncoding.Strict()
