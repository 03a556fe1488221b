package sandbox

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The encryption of pushes and their answers: AES-256-CBC over 16 random bytes, the message's
// length in 4 bytes, the message and a key that names the receiver, padded to 32.

// padTo is the block size of the padding, in bytes. That of AES is half of it.
const padTo = 32

// aesKey is an EncodingAESKey as bytes. The last character's lowest bits do not count.
func aesKey(encoded string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(encoded + "=")
	if err == nil && len(key) != 32 {
		err = fmt.Errorf("%d bytes instead of 32", len(key))
	}
	return key, err
}

// plainPush is what a push holds before it is encrypted.
func plainPush(message, key string) []byte {
	plain := make([]byte, 20, 20+len(message)+len(key))
	_, _ = rand.Read(plain[:16]) // never fails
	binary.BigEndian.PutUint32(plain[16:], uint32(len(message)))
	return append(append(plain, message...), key...)
}

// padded adds n bytes of the value n.
func padded(plain []byte) []byte {
	n := padTo - len(plain)%padTo
	return append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
}

// encrypt expects whole blocks.
func encrypt(key, plain []byte) string {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // aesKey has seen to its length
	}
	sealed := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(sealed, plain)
	return base64.StdEncoding.EncodeToString(sealed)
}

// decrypt undoes it all, and returns the message and the key behind it.
func decrypt(key []byte, encoded string) (message, receiver string, err error) {
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", err
	}
	if len(sealed) == 0 || len(sealed)%padTo != 0 {
		return "", "", fmt.Errorf("%d bytes are not padded to %d", len(sealed), padTo)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", "", err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(plain, sealed)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > padTo || pad > len(plain)-20 {
		return "", "", errors.New("wrong padding, or another key")
	}
	plain = plain[:len(plain)-pad]
	size := int(binary.BigEndian.Uint32(plain[16:]))
	if size > len(plain)-20 {
		return "", "", errors.New("wrong length, or another key")
	}
	return string(plain[20 : 20+size]), string(plain[20+size:]), nil
}

// pushSignature is SHA-1 in hex over the four texts in the order of their bytes.
func pushSignature(token, timestamp, nonce, encrypted string) string {
	parts := []string{token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}
