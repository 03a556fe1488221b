package signer

import (
	"net/http"
	"strings"
	"testing"
)

// behind is a request that a trusted proxy passes on, without TLS and with the
// proxy's own idea of the Host.
func behind(headers ...string) Request {
	return Request{Host: "app.test:8080", Target: "/p?x=1", Forwarded: lines(headers...)}
}

func TestForwardingHeaders(t *testing.T) {
	const (
		proto, host, port   = "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"
		client, prefix, uri = "X-Client-Scheme", "X-Forwarded-Prefix", "X-Forwarded-Uri"
	)
	tests := map[string]struct {
		believed []string // named in the configuration
		headers  []string // names and values
		want     string   // the page's URL
		refused  string   // or the header that the error names
	}{
		"no header at all": {want: "http://app.test:8080/p?x=1"},

		// X-Forwarded-Proto
		"the scheme of a proxy":                {headers: []string{proto, "https"}, want: "https://app.test:8080/p?x=1"},
		"a scheme in upper case":               {headers: []string{proto, "HTTPS"}, want: "https://app.test:8080/p?x=1"},
		"the same scheme on two lines":         {headers: []string{proto, "https", proto, "https"}, refused: proto},
		"a list of schemes":                    {headers: []string{proto, "https, http"}, refused: proto},
		"a list of schemes without space":      {headers: []string{proto, "https,https"}, refused: proto},
		"an empty scheme":                      {headers: []string{proto, ""}, refused: proto},
		"a scheme that is no page's":           {headers: []string{proto, "wss"}, refused: proto},
		"a scheme with a colon":                {headers: []string{proto, "https:"}, refused: proto},
		"a scheme with a space":                {headers: []string{proto, " https"}, refused: proto},
		"a scheme that only looks like https":  {headers: []string{proto, "http\u017F"}, refused: proto},
		"a malformed scheme beside a good one": {believed: []string{client}, headers: []string{client, "https", proto, "x"}, refused: proto},

		// X-Forwarded-Host
		"the host of a proxy":                  {headers: []string{host, "h5.test"}, want: "http://h5.test/p?x=1"},
		"a host with a port":                   {headers: []string{host, "h5.test:8443"}, want: "http://h5.test:8443/p?x=1"},
		"a default port goes":                  {headers: []string{host, "h5.test:443", proto, "https"}, want: "https://h5.test/p?x=1"},
		"the other scheme's default port does": {headers: []string{host, "h5.test:443", proto, "http"}, want: "http://h5.test:443/p?x=1"},
		"a host in upper case":                 {headers: []string{host, "H5.Test"}, want: "http://h5.test/p?x=1"},
		"the same host on two lines":           {headers: []string{host, "h5.test", host, "h5.test"}, refused: host},
		"a list of hosts":                      {headers: []string{host, "h5.test, app.test"}, refused: host},
		"a list of hosts without space":        {headers: []string{host, "h5.test,app.test"}, refused: host},
		"an empty host":                        {headers: []string{host, ""}, refused: host},
		"a host with a path":                   {headers: []string{host, "h5.test/x"}, refused: host},
		"a host with a user name":              {headers: []string{host, "u@h5.test"}, refused: host},
		"a URL as the host":                    {headers: []string{host, "https://h5.test"}, refused: host},
		"a host with a zone":                   {headers: []string{host, "[fe80::1%eth0]"}, refused: host},

		// X-Forwarded-Port
		"a port that nobody believes":        {headers: []string{port, "8443", host, "h5.test"}, want: "http://h5.test/p?x=1"},
		"a port for a host without one":      {believed: []string{port}, headers: []string{port, "8443", host, "h5.test"}, want: "http://h5.test:8443/p?x=1"},
		"a port for a host with a colon":     {believed: []string{port}, headers: []string{port, "8443", host, "h5.test:"}, want: "http://h5.test:8443/p?x=1"},
		"a port for a Host that has one":     {believed: []string{port}, headers: []string{port, "8443"}, want: "http://app.test:8080/p?x=1"},
		"a port for a host with the default": {believed: []string{port}, headers: []string{port, "8443", host, "h5.test:80"}, want: "http://h5.test/p?x=1"},
		"a port that is the default":         {believed: []string{port}, headers: []string{port, "443", host, "h5.test", proto, "https"}, want: "https://h5.test/p?x=1"},
		"two ports":                          {believed: []string{port}, headers: []string{port, "443", port, "80"}, refused: port},
		"a list of ports":                    {believed: []string{port}, headers: []string{port, "443, 80"}, refused: port},
		"an empty port":                      {believed: []string{port}, headers: []string{port, ""}, refused: port},
		"port 0, at which nobody listens":    {believed: []string{port}, headers: []string{port, "0"}, refused: port},
		"a host with port 0":                 {headers: []string{host, "h5.test:0"}, refused: host},
		"a host of thousands of letters":     {headers: []string{host, strings.Repeat("a.", 3000) + "test"}, refused: host},
		"a host with a label of 64 letters":  {headers: []string{host, strings.Repeat("a", 64) + ".test"}, refused: host},
		"a host with a label of 63 letters":  {headers: []string{host, strings.Repeat("a", 63) + ".test"}, want: "http://" + strings.Repeat("a", 63) + ".test/p?x=1"},
		"a port out of range":                {believed: []string{port}, headers: []string{port, "65536"}, refused: port},
		"a port with a zero in front":        {believed: []string{port}, headers: []string{port, "0443"}, refused: port},
		"a malformed port beside the Host's": {believed: []string{port}, headers: []string{port, "x"}, refused: port},

		// X-Client-Scheme
		"a client scheme that nobody believes":     {headers: []string{client, "https"}, want: "http://app.test:8080/p?x=1"},
		"a client scheme":                          {believed: []string{client}, headers: []string{client, "https"}, want: "https://app.test:8080/p?x=1"},
		"a client scheme counts before proto":      {believed: []string{client}, headers: []string{client, "https", proto, "http"}, want: "https://app.test:8080/p?x=1"},
		"without client scheme, proto counts":      {believed: []string{client}, headers: []string{proto, "https"}, want: "https://app.test:8080/p?x=1"},
		"proto counts first where it is named so":  {believed: []string{proto, client}, headers: []string{client, "http", proto, "https"}, want: "https://app.test:8080/p?x=1"},
		"proto counts second where it is named so": {believed: []string{client, proto}, headers: []string{client, "http", proto, "https"}, want: "http://app.test:8080/p?x=1"},
		"a malformed client scheme":                {believed: []string{client}, headers: []string{client, "on", proto, "https"}, refused: client},

		// X-Forwarded-Prefix
		"a prefix that nobody believes":         {headers: []string{prefix, "/app"}, want: "http://app.test:8080/p?x=1"},
		"a prefix":                              {believed: []string{prefix}, headers: []string{prefix, "/app"}, want: "http://app.test:8080/app/p?x=1"},
		"a prefix with a slash":                 {believed: []string{prefix}, headers: []string{prefix, "/app/"}, want: "http://app.test:8080/app/p?x=1"},
		"a prefix that is a slash":              {believed: []string{prefix}, headers: []string{prefix, "/"}, want: "http://app.test:8080/p?x=1"},
		"a prefix of two segments":              {believed: []string{prefix}, headers: []string{prefix, "/a/%E4b"}, want: "http://app.test:8080/a/%E4b/p?x=1"},
		"a prefix without a slash":              {believed: []string{prefix}, headers: []string{prefix, "app"}, refused: prefix},
		"a list of prefixes":                    {believed: []string{prefix}, headers: []string{prefix, "/a,/b"}, refused: prefix},
		"a prefix on two lines":                 {believed: []string{prefix}, headers: []string{prefix, "/a", prefix, "/a"}, refused: prefix},
		"an empty prefix":                       {believed: []string{prefix}, headers: []string{prefix, ""}, refused: prefix},
		"a prefix that begins another host":     {believed: []string{prefix}, headers: []string{prefix, "//evil"}, refused: prefix},
		"a prefix with an empty segment":        {believed: []string{prefix}, headers: []string{prefix, "/a//b"}, refused: prefix},
		"a prefix that climbs":                  {believed: []string{prefix}, headers: []string{prefix, "/a/../b"}, refused: prefix},
		"a prefix that is a parent":             {believed: []string{prefix}, headers: []string{prefix, "/.."}, refused: prefix},
		"a prefix that climbs when decoded":     {believed: []string{prefix}, headers: []string{prefix, "/a/%2e%2E/b"}, refused: prefix},
		"a prefix with a dot":                   {believed: []string{prefix}, headers: []string{prefix, "/a/./b"}, refused: prefix},
		"a prefix with a line end":              {believed: []string{prefix}, headers: []string{prefix, "/%0d%0a"}, refused: prefix},
		"a line end beside a malformed percent": {believed: []string{prefix}, headers: []string{prefix, "/%0d%0a%zz"}, refused: prefix},
		"a prefix with a backslash":             {believed: []string{prefix}, headers: []string{prefix, `/\evil`}, refused: prefix},
		"a prefix with an encoded backslash":    {believed: []string{prefix}, headers: []string{prefix, "/%5cevil"}, refused: prefix},
		"a prefix with markup":                  {believed: []string{prefix}, headers: []string{prefix, `/"><script>`}, refused: prefix},
		"a prefix with encoded markup":          {believed: []string{prefix}, headers: []string{prefix, "/%3Cscript%3E"}, refused: prefix},
		"a prefix with a quote":                 {believed: []string{prefix}, headers: []string{prefix, "/it's"}, refused: prefix},
		"a prefix in Chinese, encoded":          {believed: []string{prefix}, headers: []string{prefix, "/%E4%B8%AD/a.b..c/"}, want: "http://app.test:8080/%E4%B8%AD/a.b..c/p?x=1"},
		"a prefix with a query":                 {believed: []string{prefix}, headers: []string{prefix, "/a?b"}, refused: prefix},
		"a prefix with a fragment":              {believed: []string{prefix}, headers: []string{prefix, "/a#b"}, refused: prefix},
		"a prefix that is a URL":                {believed: []string{prefix}, headers: []string{prefix, "http://a/"}, refused: prefix},
		"an original target has it all":         {believed: []string{prefix, uri}, headers: []string{prefix, "/app", uri, "/app/p"}, want: "http://app.test:8080/app/p"},
		"a malformed prefix spoils it":          {believed: []string{uri, prefix}, headers: []string{prefix, "app", uri, "/app/p"}, refused: prefix},

		// headers with the original request target
		"a target that nobody believes":    {headers: []string{uri, "/app/p"}, want: "http://app.test:8080/p?x=1"},
		"an original target":               {believed: []string{uri}, headers: []string{uri, "/app//p?"}, want: "http://app.test:8080/app//p?"},
		"commas belong to a target":        {believed: []string{uri}, headers: []string{uri, "/a,/b?c,d"}, want: "http://app.test:8080/a,/b?c,d"},
		"nginx's spelling of the name":     {believed: []string{"X-Original-URI"}, headers: []string{"X-Original-Uri", "/o"}, want: "http://app.test:8080/o"},
		"any other name is a target":       {believed: []string{"x-my-target"}, headers: []string{"X-My-Target", "/mine"}, want: "http://app.test:8080/mine"},
		"the target named first counts":    {believed: []string{"X-Envoy-Original-Path", uri}, headers: []string{uri, "/b", "X-Envoy-Original-Path", "/a"}, want: "http://app.test:8080/a"},
		"the target that is there counts":  {believed: []string{"X-Envoy-Original-Path", uri}, headers: []string{uri, "/b"}, want: "http://app.test:8080/b"},
		"a target without a slash":         {believed: []string{uri}, headers: []string{uri, "app/p"}, refused: uri},
		"a target that is a URL":           {believed: []string{uri}, headers: []string{uri, "https://h5.test/p"}, refused: uri},
		"a target with a fragment":         {believed: []string{uri}, headers: []string{uri, "/p#f"}, refused: uri},
		"a target with a space":            {believed: []string{uri}, headers: []string{uri, "/p, /q"}, refused: uri},
		"a target that is not in ASCII":    {believed: []string{uri}, headers: []string{uri, "/中"}, refused: uri},
		"an empty target":                  {believed: []string{uri}, headers: []string{uri, ""}, refused: uri},
		"a target on two lines":            {believed: []string{uri}, headers: []string{uri, "/p", uri, "/p"}, refused: uri},
		"a malformed second target":        {believed: []string{"X-Envoy-Original-Path", uri}, headers: []string{"X-Envoy-Original-Path", "/a", uri, "b"}, refused: uri},
		"believed in any case of the name": {believed: []string{"x-FORWARDED-port", "X-CLIENT-scheme"}, headers: []string{client, "https", port, "9", host, "h5.test"}, want: "https://h5.test:9/p?x=1"},

		// precedence of Forwarded
		"Forwarded that nobody believes":        {headers: []string{"Forwarded", "proto=https;host=f.test"}, want: "http://app.test:8080/p?x=1"},
		"Forwarded counts before the others":    {believed: []string{"Forwarded"}, headers: []string{"Forwarded", "proto=https;host=f.test", proto, "http", host, "h5.test"}, want: "https://f.test/p?x=1"},
		"Forwarded counts where it says so":     {believed: []string{"Forwarded"}, headers: []string{"Forwarded", "for=1.2.3.4;proto=https", host, "h5.test"}, want: "https://h5.test/p?x=1"},
		"Forwarded without either":              {believed: []string{"Forwarded"}, headers: []string{"Forwarded", "for=1.2.3.4", proto, "https"}, want: "https://app.test:8080/p?x=1"},
		"Forwarded named after X-Forwarded":     {believed: []string{proto, host, "Forwarded"}, headers: []string{"Forwarded", "proto=http;host=f.test", proto, "https", host, "h5.test"}, want: "https://h5.test/p?x=1"},
		"Forwarded named after the scheme":      {believed: []string{client, "Forwarded"}, headers: []string{"Forwarded", "proto=http;host=f.test", client, "https"}, want: "https://f.test/p?x=1"},
		"a port beside Forwarded":               {believed: []string{"Forwarded", port}, headers: []string{"Forwarded", "host=f.test", port, "8443"}, want: "http://f.test:8443/p?x=1"},
		"malformed Forwarded beside good hosts": {believed: []string{"Forwarded"}, headers: []string{"Forwarded", "x", proto, "https", host, "h5.test"}, refused: "Forwarded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rules, req := NewRules(nil, tt.believed), behind(tt.headers...)
			page, err := rules.Page(req)
			if tt.refused != "" {
				refused(t, err, BadHeader, tt.refused)
				if origin, vouched, err := rules.Origin(req); err != nil && (vouched || origin != (Origin{})) {
					t.Errorf("Origin: %v %v, %v", origin, vouched, err)
				}
				return
			}
			if err != nil || page.URL() != tt.want {
				t.Errorf("%+v (%s), %v; want %s", page, page.URL(), err, tt.want)
			}
		})
	}
}

// RFC 7239 section 4.
func TestForwarded(t *testing.T) {
	tests := map[string]struct {
		value string
		want  string // "" is malformed
	}{
		"the example of the RFC":           {"for=192.0.2.60; proto=https; by=203.0.113.43", "https://app.test:8080/"},
		"nginx":                            {`for=127.0.0.1;host="h5.test";proto=https`, "https://h5.test/"},
		"names and schemes in upper case":  {"FOR=1;Proto=HTTPS;HOST=H5.test", "https://h5.test/"},
		"a quoted host with a port":        {`host="h5.test:8443";proto=https`, "https://h5.test:8443/"},
		"a host with a port, not quoted":   {"host=h5.test:8443;proto=https", "https://h5.test:8443/"},
		"a quoted IPv6 host":               {`host="[2001:db8::1]:8443"`, "http://[2001:db8::1]:8443/"},
		"a quoted pair":                    {`host="h5\.test"`, "http://h5.test/"},
		"a quoted scheme":                  {`proto="https"`, "https://app.test:8080/"},
		"unknown parameters":               {`secret=x;proto=https;ext="a,b;c=d\"e"`, "https://app.test:8080/"},
		"an address in quotes":             {`for="[2001:db8::1]:4711";proto=https`, "https://app.test:8080/"},
		"an address that is hidden":        {"for=_hidden;by=unknown;proto=https", "https://app.test:8080/"},
		"a semicolon at the end":           {"proto=https;", "https://app.test:8080/"},
		"empty pairs":                      {";proto=https;;host=h5.test", "https://h5.test/"},
		"space around the semicolon":       {"proto=https ;\thost=h5.test", "https://h5.test/"},
		"a default port":                   {`host="h5.test:443";proto=https`, "https://h5.test/"},
		"two elements":                     {"proto=https, proto=https", ""},
		"two elements without space":       {"for=1,for=2", ""},
		"a comma at the end":               {"proto=https,", ""},
		"a comma within the quotes":        {`host="h5.test,app.test"`, ""},
		"a parameter twice":                {"proto=https;proto=https", ""},
		"a parameter twice in other cases": {"proto=https;Proto=https", ""},
		"an unknown parameter twice":       {"a=1;proto=https;a=1", ""},
		"a parameter without a value":      {"proto", ""},
		"an empty value":                   {"proto=https;host=", ""},
		"an empty quoted value":            {`proto=https;host=""`, ""},
		"a value without a name":           {"=https", ""},
		"a name that is no token":          {"pro(to=https", ""},
		"space before the equals sign":     {"proto =https", ""},
		"space behind the equals sign":     {"proto= https", ""},
		"an open quotation":                {`host="h5.test`, ""},
		"a quoted pair that is cut off":    {`host="h5.test\`, ""},
		"a quote within a token":           {`host=h5"test`, ""},
		"an open quotation elsewhere":      {`proto=https;for="x`, ""},
		"a cut off pair elsewhere":         {`proto=https;for="x\`, ""},
		"a quote within a token elsewhere": {`proto=https;for=a"b`, ""},
		"an empty value elsewhere":         {"for=;proto=https", ""},
		"all that a token may hold":        {"az09!#$%&'*+-.^_`|~=x;proto=https", "https://app.test:8080/"},
		"something behind the quotes":      {`host="h5.test"x`, ""},
		"two values with a space":          {"proto=https host=h5.test", ""},
		"a scheme that is no page's":       {"proto=ftp", ""},
		"a host with a path":               {"host=h5.test/x", ""},
		"a host that is hidden":            {"host=_hidden/", ""},
		"a semicolon alone":                {";", ""},
		"a space alone":                    {" ", ""},
		"nothing":                          {"", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := Request{Host: "app.test:8080", Target: "/", Forwarded: http.Header{"Forwarded": {tt.value}}}
			page, err := NewRules(nil, []string{"Forwarded"}).Page(req)
			if tt.want == "" {
				refused(t, err, BadHeader, "Forwarded")
				if origin, vouched, err := NewRules(nil, []string{"Forwarded"}).Origin(req); err == nil || vouched || origin != (Origin{}) {
					t.Errorf("Origin: %v %v, %v", origin, vouched, err)
				}
				return
			}
			if err != nil || page.URL() != tt.want {
				t.Errorf("%+v (%s), %v; want %s", page, page.URL(), err, tt.want)
			}
		})
	}
	t.Run("two lines", func(t *testing.T) {
		_, err := NewRules(nil, []string{"forwarded"}).Page(behind("Forwarded", "proto=https", "Forwarded", "host=h5.test"))
		refused(t, err, BadHeader, "Forwarded")
	})
}

func TestUntrustedHeadersAreNotRead(t *testing.T) {
	rules := NewRules(nil, []string{"X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Client-Scheme", "Forwarded", "X-My"})
	page, err := rules.Page(Request{TLS: true, Host: "app.test", Target: "/p"})
	if err != nil || page.URL() != "https://app.test/p" {
		t.Errorf("%+v, %v", page, err)
	}
}
