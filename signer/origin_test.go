package signer

import (
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	tests := map[string]struct {
		in         string
		host, port string // both "": refused
	}{
		"a name":                                   {"app.test", "app.test", ""},
		"a name with a port":                       {"app.test:8443", "app.test", "8443"},
		"upper case becomes lower case":            {"APP.Test:80", "app.test", "80"},
		"a lone colon is dropped":                  {"app.test:", "app.test", ""},
		"the first and last letters and digits":    {"AZaz09.A", "azaz09.a", ""},
		"a last letter alone":                      {"z:9", "z", "9"},
		"a last letter in upper case alone":        {"aZ", "az", ""},
		"a trailing dot stays":                     {"app.test.", "app.test.", ""},
		"punycode":                                 {"xn--fiq228c.test", "xn--fiq228c.test", ""},
		"an underscore and a hyphen":               {"-a_b-.test", "-a_b-.test", ""},
		"an exclamation mark, as Chromium allows":  {"a!b.test", "a!b.test", ""},
		"the digits of a percent sign keep case":   {"A%2Ab.TEST", "a%2Ab.test", ""},
		"so do those at the end":                   {"A%2A", "a%2A", ""},
		"and a cut off percent sign is no trap":    {"A%2", "a%2", ""},
		"an IPv4 address":                          {"127.0.0.1:8080", "127.0.0.1", "8080"},
		"an IPv6 address":                          {"[2001:db8::1]:8443", "[2001:db8::1]", "8443"},
		"an IPv6 address without port":             {"[::1]", "[::1]", ""},
		"an IPv6 address with a lone colon":        {"[::1]:", "[::1]", ""},
		"an IPv6 address in upper case":            {"[2001:DB8::A]", "[2001:db8::a]", ""},
		"an IPv4 address mapped into IPv6":         {"[::ffff:7f4d:1]", "[::ffff:7f4d:1]", ""},
		"port 0":                                   {"app.test:0", "app.test", "0"},
		"the last port":                            {"app.test:65535", "app.test", "65535"},
		"one port too many":                        {"app.test:65536", "", ""},
		"a port of six digits":                     {"app.test:100000", "", ""},
		"a port with a leading zero":               {"app.test:080", "", ""},
		"a port with a sign":                       {"app.test:+80", "", ""},
		"a port that is a name":                    {"app.test:http", "", ""},
		"two ports":                                {"app.test:80:80", "", ""},
		"nothing":                                  {"", "", ""},
		"a port alone":                             {":8080", "", ""},
		"a user name":                              {"user@app.test", "", ""},
		"marks that are rare, but not forbidden":   {"a\",`{}.test", "a\",`{}.test", ""},
		"two values":                               {"app.test, evil.test", "", ""},
		"a space":                                  {"app .test", "", ""},
		"a slash":                                  {"app.test/x", "", ""},
		"a backslash":                              {`app.test\x`, "", ""},
		"a question mark":                          {"app.test?x", "", ""},
		"a fragment":                               {"app.test#x", "", ""},
		"an angle bracket":                         {"<app.test>", "", ""},
		"a control character":                      {"app.test\r\n", "", ""},
		"a name that is not in ASCII":              {"中文.test", "", ""},
		"an IPv6 address with a zone":              {"[fe80::1%eth0]", "", ""},
		"an IPv6 address with an encoded zone":     {"[fe80::1%25eth0]", "", ""},
		"an IPv6 address without brackets":         {"::1", "", ""},
		"an IPv6 address with a bracket too few":   {"[::1", "", ""},
		"an IPv6 address with something behind it": {"[::1]x", "", ""},
		"an IPv6 address with two ports":           {"[::1]:80:80", "", ""},
		"brackets around an IPv4 address":          {"[127.0.0.1]", "", ""},
		"brackets around a name":                   {"[app.test]", "", ""},
		"empty brackets":                           {"[]", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			host, port, ok := splitHost(tt.in)
			if host != tt.host || port != tt.port || ok != (tt.host != "") {
				t.Errorf("%q: %q %q %v, want %q %q", tt.in, host, port, ok, tt.host, tt.port)
			}
			page, err := NewRules(nil, nil).Page(Request{Host: tt.in, Target: "/"})
			if ok != (err == nil) {
				t.Fatalf("as the Host of a request: %+v, %v", page, err)
			}
			if !ok {
				refused(t, err, BadHost)
				if origin, vouched, err := NewRules(nil, nil).Origin(Request{Host: tt.in}); err == nil || vouched || origin != (Origin{}) {
					t.Errorf("Origin: %v %v, %v", origin, vouched, err)
				}
			}
		})
	}
}

func TestParseOrigin(t *testing.T) {
	tests := map[string]struct {
		in, want string // "" is an error
		err      error
	}{
		"https":                           {in: "https://h5.example.com", want: "https://h5.example.com"},
		"http with a port":                {in: "http://h5.example.com:8080", want: "http://h5.example.com:8080"},
		"the default port of https":       {in: "https://h5.example.com:443", want: "https://h5.example.com"},
		"the default port of http":        {in: "http://h5.example.com:80", want: "http://h5.example.com"},
		"the other scheme's default port": {in: "http://h5.example.com:443", want: "http://h5.example.com:443"},
		"a lone colon":                    {in: "https://h5.example.com:", want: "https://h5.example.com"},
		"upper case":                      {in: "HTTPS://H5.Example.COM", want: "https://h5.example.com"},
		"an IPv6 address":                 {in: "http://[::1]:8080", want: "http://[::1]:8080"},
		"a trailing slash":                {in: "https://h5.example.com/", err: errPath},
		"a path":                          {in: "https://h5.example.com/app", err: errPath},
		"a query":                         {in: "https://h5.example.com?x", err: errPath},
		"a fragment":                      {in: "https://h5.example.com#x", err: errPath},
		"no scheme":                       {in: "h5.example.com", err: errScheme},
		"a scheme without slashes":        {in: "https:h5.example.com", err: errScheme},
		"slashes without a scheme":        {in: "//h5.example.com", err: errScheme},
		"another scheme":                  {in: "ftp://h5.example.com", err: errScheme},
		"a scheme that only looks alike":  {in: "http\u017F://h5.example.com", err: errScheme},
		"null, as browsers write it":      {in: "null", err: errScheme},
		"nothing":                         {in: "", err: errScheme},
		"a space in front":                {in: " https://h5.example.com", err: errScheme},
		"no host":                         {in: "https://", err: errHost},
		"three slashes":                   {in: "https:///x", err: errHost},
		"a user name":                     {in: "https://user:pass@h5.example.com", err: errUser},
		"a port out of range":             {in: "https://h5.example.com:70000", err: errHost},
		"a name that is not in ASCII":     {in: "https://中文.test", err: errHost},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := ParseOrigin(tt.in)
			if err != tt.err {
				t.Fatalf("%q: error %v, want %v", tt.in, err, tt.err)
			}
			if err != nil {
				if o != (Origin{}) || strings.Contains(err.Error(), tt.in) && tt.in != "" {
					t.Errorf("%q: %+v, %v", tt.in, o, err)
				}
				return
			}
			if o.String() != tt.want {
				t.Errorf("%q: %s, want %s", tt.in, o, tt.want)
			}
			if again, err := ParseOrigin(o.String()); again != o || err != nil {
				t.Errorf("%s does not parse as itself: %+v, %v", o, again, err)
			}
		})
	}
}

func TestPrivateHosts(t *testing.T) {
	tests := map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.77.0.9": true, "10.0.0.1": true, "10.0.0.10": true, "10.0.0.9": true, "172.16.5.4": true, "172.31.255.255": true,
		"192.168.1.7": true, "[::1]": true, "[fd00::1]": true, "[::ffff:7f4d:1]": true, "[::ffff:10.0.0.1]": true,
		"8.8.8.8": false, "172.32.0.1": false, "172.15.0.1": false, "192.169.0.1": false, "0.0.0.0": false, "169.254.1.1": false,
		"[2001:db8::1]": false, "[::ffff:808:808]": false, "[::]": false,
		"localhost.": false, "app.localhost": false, "localhost.evil.test": false, "127.0.0.1.evil.test": false,
		"10.0.0.1.nip.test": false, "127.1": false, "2130706433": false, "h5.example.com": false, "a1": false, "10.0.0.0x1": false,
	}
	for host, want := range tests {
		if got := (Origin{Scheme: "https", Host: host}).Private(); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}
