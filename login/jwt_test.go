package login

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// verify checks a token by the standard library alone: an independent judge.
func verify(t *testing.T, set []byte, token string) (header, payload map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	decode := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for text, into := range map[string]*map[string]any{parts[0]: &header, parts[1]: &payload} {
		if err := json.Unmarshal(decode(text), into); err != nil {
			t.Fatal(err)
		}
	}
	var keys struct {
		Keys []struct{ Kty, Crv, X, Y, Kid, Alg, Use, D string }
	}
	if err := json.Unmarshal(set, &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.Keys {
		if k.D != "" || k.Kty != "EC" || k.Crv != "P-256" || k.Alg != "ES256" || k.Use != "sig" {
			t.Errorf("a key of the set is %+v", k)
		}
		if k.Kid != header["kid"] {
			continue
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, decode(k.X), decode(k.Y)))
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		signature := decode(parts[2])
		if !ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			t.Error("the signature is wrong")
		}
		return header, payload
	}
	t.Fatalf("the set has no key %v", header["kid"])
	return nil, nil
}

func TestATokenVerifiesAgainstTheSet(t *testing.T) {
	issuer, err := keys(t, oldSecret).NewIssuer("app1")
	if err != nil {
		t.Fatal(err)
	}
	u := zhang()
	token, err := issuer.Sign(&u, "https://h5.example.com/.dingtalk", t0)
	if err != nil {
		t.Fatal(err)
	}
	header, payload := verify(t, issuer.Set(), token)
	if header["alg"] != "ES256" || header["typ"] != "JWT" {
		t.Errorf("header %v", header)
	}
	for name, want := range map[string]any{
		"iss": "https://h5.example.com/.dingtalk", "aud": "app1", "sub": "u%1", "iat": 1.8e9, "nbf": 1.8e9, "exp": 1.8e9 + 60,
		"corp_id": "dingcorp", "union_id": "un1", "name": u.Name, "admin": true,
	} {
		if payload[name] != want {
			t.Errorf("%s is %v, want %v", name, payload[name], want)
		}
	}
}

func TestARotationBreaksNoTokenAndEveryProcessHasTheSameKeys(t *testing.T) {
	before, _ := keys(t, oldSecret).NewIssuer("app1")
	after, _ := keys(t, newSecret, oldSecret).NewIssuer("app1")
	again, _ := keys(t, newSecret, oldSecret).NewIssuer("app1")
	follower := User{OpenID: "op1"}
	token, _ := before.Sign(&follower, "https://a", t0)
	if _, payload := verify(t, after.Set(), token); payload["sub"] != "openid:op1" {
		t.Errorf("sub is %v", payload["sub"])
	}
	if !bytes.Equal(after.Set(), again.Set()) {
		t.Error("two processes have different keys")
	}
}
