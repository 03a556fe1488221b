package suite

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // DingTalk's choice; the AES key is what protects a push
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"
)

// Crypt opens what DingTalk has sealed for one callback, and seals the replies
// (DingTalk, http-callback-overview): a message is 16 random bytes, 4 bytes length, the
// text and the receiver's key, padded to blocks of 32, in AES-256-CBC.
type Crypt struct {
	token string
	block cipher.Block
	iv    []byte
}

// NewCrypt returns the crypt of a callback. key has 32 bytes.
func NewCrypt(token string, key []byte) (*Crypt, error) {
	block, err := aes.NewCipher(key)
	if err != nil || len(key) != 32 {
		return nil, errors.New("the aes_key must be 43 characters of base64, which are 32 bytes")
	}
	return &Crypt{token, block, bytes.Clone(key[:aes.BlockSize])}, nil
}

// Sealed is a message as it travels: in a push the first three stand in the query, in a
// reply all in the body.
type Sealed struct {
	Signature string `json:"msg_signature"`
	Timestamp string `json:"timeStamp"`
	Nonce     string `json:"nonce"`
	Encrypt   string `json:"encrypt"`
}

// errSealed is all that is ever said of a message that cannot be opened: whoever tries
// keys or paddings learns nothing from the differences.
var errSealed = errors.New("the message cannot be opened")

// Signed reports whether the signature is right, in constant time.
func (c *Crypt) Signed(m Sealed) bool {
	want := c.sign(m)
	return subtle.ConstantTimeCompare([]byte(want), []byte(m.Signature)) == 1
}

// sign is the signature: the SHA-1 over the sorted parts.
func (c *Crypt) sign(m Sealed) string {
	parts := []string{c.token, m.Timestamp, m.Nonce, m.Encrypt}
	slices.Sort(parts)
	hash := sha1.New() //nolint:gosec // as above
	for _, part := range parts {
		_, _ = hash.Write([]byte(part))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

const (
	prefixLen  = 16 // of random bytes
	headerLen  = prefixLen + 4
	paddingMax = 32 // and what we pad to; some libraries pad to 16
)

// Open decrypts a message whose signature is right. It returns the text and the key of
// the receiver behind it.
func (c *Crypt) Open(m Sealed) (text []byte, receiver string, err error) {
	sealed, err := base64.StdEncoding.DecodeString(m.Encrypt)
	if err != nil || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, "", errSealed
	}
	cipher.NewCBCDecrypter(c.block, c.iv).CryptBlocks(sealed, sealed)
	plain, ok := unpad(sealed)
	if !ok || len(plain) < headerLen {
		return nil, "", errSealed
	}
	size := uint64(binary.BigEndian.Uint32(plain[prefixLen:]))
	rest := plain[headerLen:]
	if size > uint64(len(rest)) {
		return nil, "", errSealed
	}
	return rest[:size], string(rest[size:]), nil
}

// unpad takes the padding off: 1 to 32 bytes that all say how many they are.
func unpad(plain []byte) ([]byte, bool) {
	n := int(plain[len(plain)-1])
	if n < 1 || n > paddingMax || n > len(plain) {
		return nil, false
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return plain[:len(plain)-n], true
}

// Seal encrypts a text for a receiver and signs it.
func (c *Crypt) Seal(text, receiver string, now time.Time) Sealed {
	size := headerLen + len(text) + len(receiver)
	padding := paddingMax - size%paddingMax
	plain := make([]byte, headerLen, size+padding)
	copy(plain, nonce(prefixLen))
	binary.BigEndian.PutUint32(plain[prefixLen:], uint32(len(text))) //nolint:gosec // a few bytes
	plain = append(plain, text...)
	plain = append(plain, receiver...)
	plain = append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(plain, plain)
	m := Sealed{
		Timestamp: strconv.FormatInt(now.UnixMilli(), 10), Nonce: nonce(16),
		Encrypt: base64.StdEncoding.EncodeToString(plain),
	}
	m.Signature = c.sign(m)
	return m
}

// nonce returns n random letters and digits.
func nonce(n int) string { return rand.Text()[:n] }
