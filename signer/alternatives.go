package signer

// String returns the policy's name in the configuration.
func (p Policy) String() string { return [...]string{"query_decoded", "raw", "decoded"}[p] }

// String returns the hash's name in the configuration.
func (h Hash) String() string { return [...]string{"sha1", "sha256"}[h] }

// Form returns what is hashed of a URL under this policy.
func (p Policy) Form(url string) string { return string(appendForm(nil, url, p)) }

// Forms are all the kinds of signatures that are in production somewhere.
var Forms = []Signer{
	{QueryDecoded, SHA1}, {QueryDecoded, SHA256},
	{Raw, SHA1}, {Raw, SHA256},
	{Decoded, SHA1}, {Decoded, SHA256},
}

// Alternatives returns the forms by which this URL gets another signature than by
// s, one for each: those that differ from s in one thing come first.
func (s Signer) Alternatives(url string) []Signer {
	var out []Signer
	seen := map[string]bool{s.input(url): true}
	for distance := 1; distance <= 2; distance++ {
		for _, f := range Forms {
			if input := f.input(url); f.distance(s) == distance && !seen[input] {
				seen[input] = true
				out = append(out, f)
			}
		}
	}
	return out
}

// distance returns in how many things two forms differ.
func (s Signer) distance(t Signer) int {
	n := 0
	if s.Policy != t.Policy {
		n++
	}
	if s.Hash != t.Hash {
		n++
	}
	return n
}

// input is what two forms have in common that give the same signature.
func (s Signer) input(url string) string {
	return s.Hash.String() + " " + s.Policy.Form(url)
}
