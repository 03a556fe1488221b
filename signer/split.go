package signer

import (
	"bytes"
	"slices"
)

var (
	splitTime = []byte("&timestamp=")
	splitURL  = []byte("&url=")
)

// splits reports whether what is hashed of a URL could be read as the URL of a site
// that is not ours. The hashed text has no escapes, so a query that holds
// `&timestamp=…&url=…` makes a signature that fits that other URL too, with the rest
// as its nonceStr and timeStamp. Every such URL must be of the origin of the signed
// one, or of one of the others.
func splits(hashed []byte, signed string, others []Origin) bool {
	i := bytes.Index(hashed, splitTime)
	if i < 0 {
		return false
	}
	own, _, _ := cutOrigin(signed)
	for rest := hashed[i:]; ; {
		j := bytes.Index(rest, splitURL)
		if j < 0 {
			return false
		}
		rest = rest[j+len(splitURL):]
		origin, _, err := cutOrigin(string(rest))
		if err != nil || origin != own && !slices.Contains(others, origin) {
			return true
		}
	}
}
