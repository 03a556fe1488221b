package signer

import "testing"

func TestParseURL(t *testing.T) {
	tests := map[string]struct {
		in, want string
		code     string // of the error
		word     string // of its message
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

		"a user name":                       {in: "https://u@h5.example.com/", code: CodeOriginNotAllowed, word: "location.href"},
		"a user name and a password":        {in: "http://u:p@h5.example.com/", code: CodeOriginNotAllowed, word: "location.href"},
		"an empty user name":                {in: "http://@h5.example.com/", code: CodeOriginNotAllowed, word: "location.href"},
		"a user name that looks like us":    {in: `https://h5.example.com\@evil.test/`, code: CodeOriginNotAllowed, word: "location.href"},
		"ftp":                               {in: "ftp://h5.example.com/", code: CodeOriginNotAllowed, word: "http and https"},
		"a file":                            {in: "file:///android_asset/x.html", code: CodeOriginNotAllowed, word: "http and https"},
		"a script":                          {in: "javascript:alert(1)", code: CodeOriginNotAllowed, word: "http and https"},
		"a srcdoc frame":                    {in: "about:srcdoc", code: CodeOriginNotAllowed, word: "http and https"},
		"a blob":                            {in: "blob:https://h5.example.com/0b1c", code: CodeOriginNotAllowed, word: "http and https"},
		"an app's own scheme":               {in: "ms-app+x.1://h5.example.com/", code: CodeOriginNotAllowed, word: "http and https"},
		"a scheme that begins with a digit": {in: "0a://h5.example.com/", code: CodeBadURL, word: "https://"},
		"all that a scheme may hold":        {in: "az09+-.:x", code: CodeOriginNotAllowed, word: "http and https"},
		"nothing":                           {in: "", code: CodeBadURL, word: "encodeURIComponent(location.href)"},
		"a fragment alone":                  {in: "#x", code: CodeBadURL, word: "encodeURIComponent(location.href)"},
		"no scheme":                         {in: "//h5.example.com/", code: CodeBadURL, word: "https://"},
		"a path":                            {in: "/app?u=https://u@h/", code: CodeBadURL, word: "https://"},
		"a word":                            {in: "nonsense", code: CodeBadURL, word: "https://"},
		"an empty scheme":                   {in: "://h5.example.com/", code: CodeBadURL, word: "https://"},
		"a scheme without slashes":          {in: "http:h5.example.com/", code: CodeBadURL, word: "https://"},
		"a control character in front":      {in: "\x01http://h5.example.com/", code: CodeBadURL, word: "https://"},
		"a space in front":                  {in: " http://h5.example.com/", code: CodeBadURL, word: "https://"},
		"no host":                           {in: "http:///x", code: CodeBadURL, word: "host"},
		"nothing but a scheme":              {in: "http://", code: CodeBadURL, word: "host"},
		"a port that is none":               {in: "http://h5.example.com:x/", code: CodeBadURL, word: "host"},
		"a host that is not in ASCII":       {in: "http://中文.test/", code: CodeBadURL, word: "host"},
		"no path":                           {in: "https://h5.example.com", code: CodeBadURL, word: "path"},
		"a query without a path":            {in: "https://h5.example.com?x", code: CodeBadURL, word: "path"},
		"a path that is not percent-coded":  {in: "https://h5.example.com/中", code: CodeBadURL, word: "0x21 to 0x7E"},
		"a space":                           {in: "https://h5.example.com/a b", code: CodeBadURL, word: "0x21 to 0x7E"},
		"a line break":                      {in: "https://h5.example.com/\r\nX: y", code: CodeBadURL, word: "0x21 to 0x7E"},
		"a byte 0x7F":                       {in: "https://h5.example.com/\x7F", code: CodeBadURL, word: "0x21 to 0x7E"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := ParseURL(tt.in)
			if tt.code != "" {
				refused(t, err, tt.code, tt.word)
				if page != (Page{}) {
					t.Errorf("an error with %+v", page)
				}
				return
			}
			if err != nil || page.URL() != tt.want || page.Vouched {
				t.Errorf("%+v (%s), %v; want %s", page, page.URL(), err, tt.want)
			}
		})
	}
}
