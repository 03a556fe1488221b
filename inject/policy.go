package inject

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
)

// The form of a snippet follows the page's Content-Security-Policy. A 304 that
// brings another policy puts that in the place of the page's (RFC 9111 section
// 3.2), whose snippet may be forbidden then. So the tag of a page names the policy
// that it was made for.

const (
	policyMark     = "-p"
	policyNameSize = len(policyMark) + 6
)

// policyName names the policies in a header, "" if there are none.
func policyName(h http.Header) string {
	if len(h["Content-Security-Policy"])+len(h["Content-Security-Policy-Report-Only"]) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, key := range []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"} {
		for _, policy := range h[key] {
			_, _ = io.WriteString(sum, policy+"\n")
		}
		_, _ = io.WriteString(sum, "\n")
	}
	return policyMark + hex.EncodeToString(sum.Sum(nil)[:3])
}

// fits reports whether a 304 with this header leaves the page its policy, which the
// suffix of its tag names. One that says nothing of a policy does.
func fits(h http.Header, suffix string) bool {
	name := policyName(h)
	return name == "" || strings.HasSuffix(suffix, name)
}
