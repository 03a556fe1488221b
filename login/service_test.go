package login

import (
	"testing"
	"unicode"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

func TestWhatIsWrongWithARevocationIsToldInBothLanguages(t *testing.T) {
	for _, c := range []struct{ own, corp, user string }{{"dingcorp", "dingother", "u1"}, {"", "", "u1"}} {
		err := (&service{corp: c.own}).Revoke(t.Context(), c.corp, c.user)
		if err == nil {
			t.Fatalf("%+v is revoked", c)
		}
		begin := []rune(doctor.Of(err).ZH)[0]
		if !unicode.Is(unicode.Han, begin) {
			t.Errorf("%+v: %q", c, doctor.Of(err).ZH)
		}
	}
}
