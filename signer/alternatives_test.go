package signer

import (
	"slices"
	"testing"
)

func TestAlternatives(t *testing.T) {
	const (
		plain = "https://h5.test/p?x=1"
		plus  = "https://h5.test/p?q=a+b"            // another text under query_decoded
		both  = "https://h5.test/%E4%B8%AD?q=a+b%20" // another text under each policy
	)
	tests := map[string]struct {
		from Signer
		url  string
		want []Signer
	}{
		"a URL without escapes has the other hash only": {Signer{}, plain, []Signer{{QueryDecoded, SHA256}}},
		"and the other way round":                       {Signer{Raw, SHA256}, plain, []Signer{{Raw, SHA1}}},
		"policies with the same text count once":        {Signer{}, plus, []Signer{{QueryDecoded, SHA256}, {Raw, SHA1}, {Raw, SHA256}}},
		"what differs in one thing comes first": {Signer{}, both, []Signer{
			{QueryDecoded, SHA256}, {Raw, SHA1}, {Decoded, SHA1}, {Raw, SHA256}, {Decoded, SHA256},
		}},
		"from the middle": {Signer{Raw, SHA256}, both, []Signer{
			{QueryDecoded, SHA256}, {Raw, SHA1}, {Decoded, SHA256}, {QueryDecoded, SHA1}, {Decoded, SHA1},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.from.Alternatives(test.url); !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
