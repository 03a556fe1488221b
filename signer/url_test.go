package signer

import "testing"

func TestParseURL(t *testing.T) {
	tests := map[string]struct {
		in, want string
		refused  Reason
	}{
		"a page":                                  {in: "https://h5.example.com/app?x=1", want: "https://h5.example.com/app?x=1"},
		"a fragment is dropped":                   {in: "https://h5.example.com/#/route?x=1#y", want: "https://h5.example.com/"},
		"a URL within the fragment is dropped":    {in: "https://h5.example.com/#https://u@evil.test/", want: "https://h5.example.com/"},
		"nothing is normalised behind the origin": {in: "http://h5.example.com//a/../%2e%E4?%zz&?+|", want: "http://h5.example.com//a/../%2e%E4?%zz&?+|"},
		"a default port is dropped":               {in: "https://h5.example.com:443/", want: "https://h5.example.com/"},
		"another port stays":                      {in: "https://h5.example.com:8443/", want: "https://h5.example.com:8443/"},
		"scheme and host become lower case":       {in: "HTTPS://H5.EXAMPLE.COM/App", want: "https://h5.example.com/App"},
		"an IPv6 address":                         {in: "http://[::1]:8080/", want: "http://[::1]:8080/"},
		"an @ in the path":                        {in: "https://h5.example.com/@u?a@b", want: "https://h5.example.com/@u?a@b"},
		"another URL in the query":                {in: "https://h5.example.com/?u=ftp://u@h/", want: "https://h5.example.com/?u=ftp://u@h/"},

		"a user name":                       {in: "https://u@h5.example.com/", refused: HasUser},
		"a user name and a password":        {in: "http://u:p@h5.example.com/", refused: HasUser},
		"an empty user name":                {in: "http://@h5.example.com/", refused: HasUser},
		"a user name that looks like us":    {in: `https://h5.example.com\@evil.test/`, refused: HasUser},
		"ftp":                               {in: "ftp://h5.example.com/", refused: NotWeb},
		"a file":                            {in: "file:///android_asset/x.html", refused: NotWeb},
		"a script":                          {in: "javascript:alert(1)", refused: NotWeb},
		"a srcdoc frame":                    {in: "about:srcdoc", refused: NotWeb},
		"a blob":                            {in: "blob:https://h5.example.com/0b1c", refused: NotWeb},
		"an app's own scheme":               {in: "ms-app+x.1://h5.example.com/", refused: NotWeb},
		"a scheme that begins with a digit": {in: "0a://h5.example.com/", refused: NotAbsolute},
		"all that a scheme may hold":        {in: "az09+-.:x", refused: NotWeb},
		"nothing":                           {in: "", refused: NotAbsolute},
		"a fragment alone":                  {in: "#x", refused: NotAbsolute},
		"no scheme":                         {in: "//h5.example.com/", refused: NotAbsolute},
		"a path":                            {in: "/app?u=https://u@h/", refused: NotAbsolute},
		"a word":                            {in: "nonsense", refused: NotAbsolute},
		"an empty scheme":                   {in: "://h5.example.com/", refused: NotAbsolute},
		"a scheme without slashes":          {in: "http:h5.example.com/", refused: NotAbsolute},
		"a control character in front":      {in: "\x01http://h5.example.com/", refused: NotAbsolute},
		"a space in front":                  {in: " http://h5.example.com/", refused: NotAbsolute},
		"no host":                           {in: "http:///x", refused: NotAbsolute},
		"nothing but a scheme":              {in: "http://", refused: NotAbsolute},
		"a port that is none":               {in: "http://h5.example.com:x/", refused: NotAbsolute},
		"a host that is not in ASCII":       {in: "http://中文.test/", refused: NotAbsolute},
		"no path":                           {in: "https://h5.example.com", refused: NoPath},
		"a query without a path":            {in: "https://h5.example.com?x", refused: NoPath},
		"a path that is not percent-coded":  {in: "https://h5.example.com/中", refused: NoPath},
		"a space":                           {in: "https://h5.example.com/a b", refused: NoPath},
		"a line break":                      {in: "https://h5.example.com/\r\nX: y", refused: NoPath},
		"a byte 0x7F":                       {in: "https://h5.example.com/\x7F", refused: NoPath},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := ParseURL(tt.in)
			if tt.refused != 0 {
				refused(t, err, tt.refused)
				if page != (Page{}) {
					t.Errorf("an error with %+v", page)
				}
				return
			}
			if err != nil || page.URL() != tt.want || page.Public {
				t.Errorf("%+v (%s), %v; want %s", page, page.URL(), err, tt.want)
			}
		})
	}
}
