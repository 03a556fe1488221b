package doctor

import "testing"

func TestTheLanguageIsTheOneOfTheTwoThatTheBrowserPrefers(t *testing.T) {
	for accept, want := range map[string]Language{
		"en": English, "en-GB": English, "EN": English, "fr, en;q=0.5": English, "zh;q=0, en;q=0.1": English, "de-DE, sl ;q=0.9, en-US ; q=0.8": English,
		"zh": Chinese, "zh-CN,zh;q=0.9,en;q=0.8": Chinese, "en;q=0.8, zh;q=0.9": Chinese, "zh-Hant-TW": Chinese,
	} {
		for _, otherwise := range []Language{English, Chinese} {
			if got := Accepted(accept, otherwise); got != want {
				t.Errorf("%q is %d, want %d", accept, got, want)
			}
		}
	}
	for _, accept := range []string{"", "*", "de", "fr-en", ";q=1", ",", "zh;q=0", "en;q=x"} {
		for _, otherwise := range []Language{English, Chinese} {
			if got := Accepted(accept, otherwise); got != otherwise {
				t.Errorf("%q is %d, want %d", accept, got, otherwise)
			}
		}
		if both := (Text{EN: "e", ZH: "z"}).For(accept); both != "e / z" {
			t.Errorf("%q gets %q", accept, both)
		}
	}
}
