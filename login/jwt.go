package login

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenLife is how long an upstream may take a token for fresh.
const tokenLife = 60 * time.Second

// Issuer signs identities for upstreams that trust signatures rather than networks.
type Issuer struct {
	audience string
	signer   jose.Signer
	set      []byte
}

// NewIssuer derives the keys: the first signs, and the set shows all, so that what was
// signed before a rotation still verifies.
func (k *Keys) NewIssuer(audience string) (*Issuer, error) {
	var set jose.JSONWebKeySet
	var first jose.JSONWebKey
	for i, secret := range k.secrets {
		private, err := derivePrivate(secret)
		if err != nil {
			return nil, fmt.Errorf("deriving the jwt key: %w", err)
		}
		public := jose.JSONWebKey{Key: &private.PublicKey, Algorithm: string(jose.ES256), Use: "sig"}
		sum, err := keyID(public)
		if err != nil {
			return nil, fmt.Errorf("naming the jwt key: %w", err)
		}
		public.KeyID = sum
		set.Keys = append(set.Keys, public)
		if i == 0 {
			first = jose.JSONWebKey{Key: private, KeyID: sum, Algorithm: string(jose.ES256)}
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: first}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("making the jwt signer: %w", err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("writing the JWK set: %w", err)
	}
	return &Issuer{audience, signer, text}, nil
}

// derivePrivate finds the first of a secret's numbers that is a key of P-256; all but
// one in 2^32 are.
func derivePrivate(secret string) (*ecdsa.PrivateKey, error) {
	for try := 0; ; try++ {
		number, err := derive(secret, forJWT, fmt.Sprint("key ", try), 32)
		if err != nil {
			return nil, err
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), number); err == nil {
			return key, nil
		}
	}
}

// keyID is the key's thumbprint (RFC 7638), cut to what tells a few keys apart.
func keyID(public jose.JSONWebKey) (string, error) {
	full, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(full)
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}

// Set is the JWK set (RFC 7517) as JSON.
func (i *Issuer) Set() []byte { return i.set }

// claims are what a token says (RFC 7519 section 4.1, and the user).
type claims struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	CorpID    string `json:"corp_id"`
	UnionID   string `json:"union_id,omitempty"`
	Name      string `json:"name,omitempty"`
	Admin     bool   `json:"admin"`
}

// Sign returns a token about a user; issuer is the site's origin with the endpoint.
func (i *Issuer) Sign(u *User, issuer string, now time.Time) (string, error) {
	at := now.Unix()
	token, err := jwt.Signed(i.signer).Claims(claims{
		Issuer: issuer, Audience: i.audience, Subject: u.Subject(),
		IssuedAt: at, NotBefore: at, Expires: at + int64(tokenLife.Seconds()),
		CorpID: u.CorpID, UnionID: u.UnionID, Name: u.Name, Admin: u.Admin,
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing the jwt: %w", err)
	}
	return token, nil
}
