package suite

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// vector is a message that was sealed by a program of DingTalk's.
type vector struct {
	Name     string `json:"name"`
	Origin   string `json:"origin"`
	Token    string `json:"token"`
	AESKey   string `json:"aes_key"`
	Receiver string `json:"receiver"`
	Message  string `json:"message"`
	Sealed
}

func vectors(t *testing.T) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/callback-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// keyOf decodes an EncodingAESKey as package config does.
func keyOf(t testing.TB, text string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(text + "=")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func crypt(t testing.TB, token string, key []byte) *Crypt {
	t.Helper()
	c, err := NewCrypt(token, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatDingTalkHasSealedCanBeOpened(t *testing.T) {
	for _, v := range vectors(t) {
		c := crypt(t, v.Token, keyOf(t, v.AESKey))
		if !c.Signed(v.Sealed) {
			t.Errorf("%s: the signature is not taken", v.Name)
		}
		text, receiver, err := c.Open(v.Sealed)
		if err != nil || string(text) != v.Message || receiver != v.Receiver {
			t.Errorf("%s: %q for %q, %v", v.Name, text, receiver, err)
		}
		for what, other := range map[string]Sealed{
			"signature": {v.Signature[:39] + "x", v.Timestamp, v.Nonce, v.Encrypt},
			"timestamp": {v.Signature, v.Timestamp + "0", v.Nonce, v.Encrypt},
			"nonce":     {v.Signature, v.Timestamp, v.Nonce + "0", v.Encrypt},
			"message":   {v.Signature, v.Timestamp, v.Nonce, "A" + v.Encrypt[1:]},
			"nothing":   {"", v.Timestamp, v.Nonce, v.Encrypt},
		} {
			if c.Signed(other) {
				t.Errorf("%s: signed with another %s", v.Name, what)
			}
		}
	}
}

func TestWhatIsSealedCanBeOpenedAndIsPaddedTo32(t *testing.T) {
	c := crypt(t, "token", bytes.Repeat([]byte{7}, 32))
	for n := range 70 {
		text := strings.Repeat("x", n)
		m := c.Seal(text, "suite1", time.UnixMilli(1700000000123))
		got, receiver, err := c.Open(m)
		if err != nil || string(got) != text || receiver != "suite1" || !c.Signed(m) || m.Timestamp != "1700000000123" {
			t.Errorf("%d bytes: %q for %q, %v, %+v", n, got, receiver, err, m)
		}
		if raw, _ := base64.StdEncoding.DecodeString(m.Encrypt); len(raw)%32 != 0 {
			t.Errorf("%d bytes are padded to %d", n, len(raw))
		}
	}
	if a, b := c.Seal("x", "y", time.Now()), c.Seal("x", "y", time.Now()); a.Encrypt == b.Encrypt || a.Nonce == b.Nonce {
		t.Error("two messages are sealed alike")
	}
}

// forge encrypts bytes as they are, whatever they are.
func (c *Crypt) forge(plain []byte) Sealed {
	out := bytes.Clone(plain)
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(out, out)
	m := Sealed{Timestamp: "1700000000000", Nonce: "n", Encrypt: base64.StdEncoding.EncodeToString(out)}
	m.Signature = c.sign(m)
	return m
}

// frame is what is encrypted for a text, with a length and padding as they are said.
func frame(size uint32, rest string, padding int) []byte {
	plain := append(make([]byte, 16), binary.BigEndian.AppendUint32(nil, size)...)
	plain = append(plain, rest...)
	for len(plain)%aes.BlockSize != (aes.BlockSize-padding%aes.BlockSize)%aes.BlockSize {
		plain = append(plain, 'k')
	}
	return append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
}

func TestEveryLengthOfAMessageIsChecked(t *testing.T) {
	c := crypt(t, "token", bytes.Repeat([]byte{7}, 32))
	raw := func(n int) Sealed {
		return Sealed{Encrypt: base64.StdEncoding.EncodeToString(make([]byte, n))}
	}
	for name, m := range map[string]Sealed{
		"nothing":                      {},
		"no base64":                    {Encrypt: "%%%"},
		"15 bytes":                     raw(15),
		"16 bytes":                     raw(16),
		"17 bytes":                     raw(17),
		"a padding of 0":               c.forge(append(frame(0, "", 16)[:32-1], 0)),
		"a padding of 33":              c.forge(frame(0, strings.Repeat("x", 13), 33)),
		"a padding that is longer":     c.forge(bytes.Repeat([]byte{32}, 16)),
		"a padding of mixed bytes":     c.forge(append(frame(0, "", 12)[:20], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
		"a length of 4 GiB":            c.forge(frame(0xFFFFFFFF, "x", 8)),
		"a length of 2 GiB":            c.forge(frame(0x80000000, "x", 8)),
		"a length that is 1 too large": c.forge(frame(13, strings.Repeat("x", 12), 16)),
		"no room for a length":         c.forge(append(make([]byte, 15), 1)),
	} {
		if text, receiver, err := c.Open(m); err != errSealed {
			t.Errorf("%s: %q for %q, %v", name, text, receiver, err)
		}
	}
	for _, padding := range []int{1, 15, 16, 17, 31, 32} {
		text, _, err := c.Open(c.forge(frame(2, "ok", padding)))
		if err != nil || string(text) != "ok" {
			t.Errorf("a padding of %d: %q, %v", padding, text, err)
		}
	}
}
