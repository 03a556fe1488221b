package client

import (
	"net/http"
	"testing"
)

func TestFormFor(t *testing.T) {
	const theScript = "https://h5.test/.dingtalk/client.0123.js"
	tests := map[string]struct {
		headers []string
		kind    Kind
		nonce   string
		script  string // theScript if empty
	}{
		// What does not limit scripts.
		"no policy":                       {nil, Inline, "", ""},
		"an empty policy":                 {[]string{""}, Inline, "", ""},
		"only images":                     {[]string{"img-src 'self'"}, Inline, "", ""},
		"only script attributes":          {[]string{"script-src-attr 'none'"}, Inline, "", ""},
		"only trusted types":              {[]string{"require-trusted-types-for 'script'"}, Whole, "", ""},
		"junk":                            {[]string{";;, ; ,,;"}, Inline, "", ""},
		"a directive that only looks so":  {[]string{"script-srcx 'none'"}, Inline, "", ""},
		"unsafe-inline":                   {[]string{"script-src 'unsafe-inline'"}, Whole, "", ""},
		"unsafe-inline in capitals":       {[]string{"SCRIPT-SRC 'Unsafe-Inline'"}, Whole, "", ""},
		"unsafe-inline by default":        {[]string{"default-src https: 'unsafe-inline'"}, Inline, "", ""},
		"unsafe-inline beside junk nonce": {[]string{"script-src 'unsafe-inline' 'nonce-' 'nonce-a$' 'nonce-abc"}, Whole, "", ""},

		// Whether the core may load the rest.
		"unsafe-inline and the own origin":       {[]string{"script-src 'self' 'unsafe-inline'"}, Inline, "", ""},
		"unsafe-inline and the folder":           {[]string{"script-src 'unsafe-inline' h5.test/.dingtalk/"}, Inline, "", ""},
		"unsafe-inline and the file of both":     {[]string{"script-src 'unsafe-inline' h5.test/.dingtalk/client.0123.js"}, Whole, "", ""},
		"unsafe-inline and another host":         {[]string{"script-src 'unsafe-inline' https://cdn.test"}, Whole, "", ""},
		"trusted types and a nonce":              {[]string{"script-src 'nonce-a'; require-trusted-types-for 'script'"}, Whole, "a", ""},
		"trusted types and the own origin":       {[]string{"script-src 'self'; require-trusted-types-for 'script'"}, External, "", ""},
		"trusted types in a policy of their own": {[]string{"script-src 'nonce-a'", "require-trusted-types-for 'script'"}, Whole, "a", ""},

		// Which directive counts.
		"default-src is the last resort":              {[]string{"default-src 'self'"}, External, "", ""},
		"script-src before default-src":               {[]string{"default-src 'none'; script-src 'self'"}, External, "", ""},
		"script-src before default-src, written last": {[]string{"script-src 'none'; default-src 'self'"}, Data, "", ""},
		"script-src-elem before script-src":           {[]string{"script-src 'none'; script-src-elem 'self'"}, External, "", ""},
		"script-src-elem before all":                  {[]string{"script-src-elem 'none'; script-src 'unsafe-inline'; default-src *"}, Data, "", ""},
		"of two the first":                            {[]string{"script-src 'self'; script-src 'unsafe-inline'"}, External, "", ""},
		"of two the first, in capitals":               {[]string{"Script-Src 'none'; script-src 'self'"}, Data, "", ""},
		"one without sources":                         {[]string{"script-src"}, Data, "", ""},

		// Nonces.
		"a nonce":                               {[]string{"script-src 'nonce-abc'"}, Inline, "abc", ""},
		"a nonce keeps its case":                {[]string{"script-src 'NONCE-AbC'"}, Inline, "AbC", ""},
		"a nonce with all characters":           {[]string{"script-src 'nonce-aZ09+/-_=='"}, Inline, "aZ09+/-_==", ""},
		"of several nonces the first":           {[]string{"script-src 'nonce-a' 'nonce-b'"}, Inline, "a", ""},
		"a nonce beats unsafe-inline":           {[]string{"script-src 'unsafe-inline' 'nonce-a'"}, Inline, "a", ""},
		"a nonce beats the own origin":          {[]string{"script-src 'self' 'nonce-a'"}, Inline, "a", ""},
		"a nonce with strict-dynamic":           {[]string{"script-src 'nonce-a' 'strict-dynamic' https: 'unsafe-inline'"}, Inline, "a", ""},
		"an empty nonce":                        {[]string{"script-src 'nonce-'"}, Data, "", ""},
		"a nonce that would leave an attribute": {[]string{`script-src 'nonce-a"onload=x'`}, Data, "", ""},
		"a nonce that is not closed":            {[]string{"script-src 'nonce-abc"}, Data, "", ""},
		"a nonce without quotes":                {[]string{"script-src nonce-abc"}, Data, "", ""},

		// Hashes and strict-dynamic, which nothing of ours fits.
		"a hash":                                 {[]string{"script-src 'sha256-AAAA='"}, Data, "", ""},
		"a hash switches unsafe-inline off":      {[]string{"script-src 'unsafe-inline' 'sha512-AAAA='"}, Data, "", ""},
		"a hash leaves the own origin":           {[]string{"script-src 'self' 'sha384-AAAA='"}, External, "", ""},
		"strict-dynamic switches the own off":    {[]string{"script-src 'self' 'strict-dynamic'"}, Data, "", ""},
		"the hash of a URL switches the own off": {[]string{"script-src 'self' https: 'url-sha256-AAAA='"}, Data, "", ""},
		"the hash of a URL leaves unsafe-inline": {[]string{"script-src 'unsafe-inline' 'URL-SHA384-AAAA='"}, Whole, "", ""},
		"the hash of a URL leaves a nonce":       {[]string{"script-src 'self' 'nonce-a' 'url-sha512-AAAA='"}, Inline, "a", ""},
		"strict-dynamic switches all off":        {[]string{"script-src 'self' https: 'unsafe-inline' 'strict-dynamic'"}, Data, "", ""},
		"keywords that allow nothing":            {[]string{"script-src 'report-sample' 'unsafe-eval' 'wasm-unsafe-eval'"}, Data, "", ""},
		"none":                                   {[]string{"script-src 'none'"}, Data, "", ""},
		"none beside others counts for nothing":  {[]string{"script-src 'none' 'self'"}, External, "", ""},

		// Several policies: all must agree.
		"inline here, nonce there":              {[]string{"script-src 'unsafe-inline'", "script-src 'nonce-a'"}, Whole, "a", ""},
		"own here, nonce there":                 {[]string{"script-src 'self'", "script-src 'nonce-a'"}, External, "a", ""},
		"own here, own there":                   {[]string{"script-src 'self'", "default-src 'self'"}, External, "", ""},
		"inline here, own there":                {[]string{"script-src 'unsafe-inline'", "script-src 'self'"}, Data, "", ""},
		"inline and own here, own there":        {[]string{"script-src 'self' 'unsafe-inline'", "script-src 'self'"}, External, "", ""},
		"the nonce that both have":              {[]string{"script-src 'nonce-a' 'nonce-b'", "script-src 'nonce-c' 'nonce-b'"}, Inline, "b", ""},
		"no nonce that both have":               {[]string{"script-src 'nonce-a'", "script-src 'nonce-b'"}, Data, "", ""},
		"nonces that differ in case":            {[]string{"script-src 'nonce-a'", "script-src 'nonce-A'"}, Data, "", ""},
		"two in one header":                     {[]string{"script-src 'self', script-src 'nonce-a'"}, External, "a", ""},
		"one that does not speak of scripts":    {[]string{"img-src *, script-src 'nonce-a'", "frame-ancestors 'self'"}, Inline, "a", ""},
		"one that forbids everything":           {[]string{"script-src 'nonce-a' 'self'", "default-src 'none'"}, Data, "", ""},
		"spaces, tabs and empty directives":     {[]string{" ;\tscript-src\t 'self'  ; ; ,, "}, External, "", ""},
		"own here, own by nonce with dynamic":   {[]string{"script-src 'self'", "script-src 'strict-dynamic' 'nonce-a'"}, External, "a", ""},
		"three of which one does not admit own": {[]string{"script-src 'self'", "script-src https:", "script-src cdn.test"}, Data, "", ""},

		// Hosts and schemes.
		"self in capitals":                    {[]string{"script-src 'SELF'"}, External, "", ""},
		"everything":                          {[]string{"script-src *"}, External, "", "https://h5.test:8443/x.js"},
		"the scheme":                          {[]string{"script-src https:"}, External, "", ""},
		"the scheme in capitals":              {[]string{"script-src HTTPS:"}, External, "", ""},
		"the lesser scheme":                   {[]string{"script-src http:"}, External, "", ""},
		"the better scheme":                   {[]string{"script-src https:"}, Data, "", "http://h5.test/x.js"},
		"other schemes":                       {[]string{"script-src data: blob: wss:"}, Data, "", ""},
		"the host":                            {[]string{"script-src h5.test"}, External, "", ""},
		"the host in capitals":                {[]string{"script-src H5.Test"}, External, "", ""},
		"the host with its scheme":            {[]string{"script-src https://h5.test"}, External, "", ""},
		"the host with the lesser scheme":     {[]string{"script-src http://h5.test"}, External, "", ""},
		"the host with the better scheme":     {[]string{"script-src https://h5.test"}, Data, "", "http://h5.test/x.js"},
		"another host":                        {[]string{"script-src https://cdn.test"}, Data, "", ""},
		"a host that ends alike":              {[]string{"script-src evilh5.test 5.test"}, Data, "", ""},
		"a host that begins alike":            {[]string{"script-src h5.test.evil.test"}, Data, "", ""},
		"a host that is no ASCII":             {[]string{"script-src 钉钉.test"}, Data, "", ""},
		"a wildcard":                          {[]string{"script-src *.test"}, External, "", ""},
		"a wildcard below the host":           {[]string{"script-src *.h5.test"}, Data, "", ""},
		"a wildcard in a label":               {[]string{"script-src *5.test"}, Data, "", ""},
		"all hosts of a scheme":               {[]string{"script-src https://*"}, External, "", ""},
		"all hosts at a port":                 {[]string{"script-src *:8443"}, External, "", "https://h5.test:8443/x.js"},
		"all hosts at another port":           {[]string{"script-src *:8443"}, Data, "", ""},
		"all hosts and ports":                 {[]string{"script-src https://*:*"}, External, "", "https://h5.test:8443/x.js"},
		"the default port":                    {[]string{"script-src h5.test:443"}, External, "", ""},
		"the default port of http":            {[]string{"script-src h5.test:80"}, External, "", "http://h5.test/x.js"},
		"another port":                        {[]string{"script-src h5.test:8443"}, Data, "", ""},
		"the port":                            {[]string{"script-src https://h5.test:8443"}, External, "", "https://h5.test:8443/x.js"},
		"any port":                            {[]string{"script-src h5.test:*"}, External, "", "https://h5.test:8443/x.js"},
		"no port where there is one":          {[]string{"script-src h5.test"}, Data, "", "https://h5.test:8443/x.js"},
		"an address":                          {[]string{"script-src http://[::1]:8080"}, External, "", "http://[::1]:8080/x.js"},
		"the folder":                          {[]string{"script-src h5.test/.dingtalk/"}, External, "", ""},
		"the root":                            {[]string{"script-src https://h5.test/"}, External, "", ""},
		"the file":                            {[]string{"script-src h5.test/.dingtalk/client.0123.js"}, External, "", ""},
		"the file, percent-encoded":           {[]string{"script-src h5.test/%2edingtalk/client.0123.js"}, External, "", ""},
		"the folder without its slash":        {[]string{"script-src h5.test/.dingtalk"}, Data, "", ""},
		"the folder in capitals":              {[]string{"script-src h5.test/.DINGTALK/"}, Data, "", ""},
		"another folder":                      {[]string{"script-src h5.test/static/"}, Data, "", ""},
		"a folder, malformed":                 {[]string{"script-src h5.test/%zz/"}, Data, "", ""},
		"the own origin among others":         {[]string{"script-src https://cdn.test 'self' data:; report-uri /csp"}, External, "", ""},
		"a script whose origin is not known":  {[]string{"script-src https://h5.test"}, Data, "", ":///.dingtalk/client.0123.js"},
		"self where the origin is not known":  {[]string{"script-src 'self'"}, External, "", ":///.dingtalk/client.0123.js"},
		"a source that is nothing but quotes": {[]string{"script-src '' ' : :// / *."}, Data, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			script := theScript
			if test.script != "" {
				script = test.script
			}
			header := http.Header{"Content-Security-Policy": test.headers}
			if got, want := FormFor(header, func() string { return script }), (Form{Kind: test.kind, Nonce: test.nonce}); got != want {
				t.Errorf("form %+v, want %+v", got, want)
			}
		})
	}
}

func TestThePoliciesThatOnlyReportChooseAmongTheForms(t *testing.T) {
	tests := map[string]struct {
		enforced, reported []string
		want               Form
	}{
		"no enforced one, a nonce":                   {nil, []string{"script-src 'nonce-a'"}, Form{Kind: Inline, Nonce: "a"}},
		"no enforced one, the own origin":            {nil, []string{"script-src 'self'"}, Form{Kind: External}},
		"unsafe-inline, and the rest where reported": {[]string{"script-src 'self' 'unsafe-inline'"}, []string{"script-src 'unsafe-inline'"}, Form{Kind: Whole}},
		"no enforced one, nothing of ours":           {nil, []string{"script-src 'none'"}, Form{Kind: Inline}},
		"no enforced one, two that do not agree":     {nil, []string{"script-src 'nonce-a', script-src 'nonce-b'"}, Form{Kind: Inline}},
		"both forms, the own origin":                 {[]string{"script-src 'self' 'unsafe-inline'"}, []string{"default-src 'self'"}, Form{Kind: External}},
		"of two nonces the one that is in both":      {[]string{"script-src 'nonce-a' 'nonce-b'"}, []string{"script-src 'nonce-b'"}, Form{Kind: Inline, Nonce: "b"}},
		"the own origin, and a nonce":                {[]string{"script-src 'self'"}, []string{"script-src 'nonce-a'"}, Form{Kind: External, Nonce: "a"}},
		"a nonce that the enforced one lacks":        {[]string{"script-src 'nonce-a'"}, []string{"script-src 'nonce-b'"}, Form{Kind: Inline, Nonce: "a"}},
		"a form that the enforced one forbids":       {[]string{"script-src 'self'"}, []string{"script-src 'unsafe-inline'"}, Form{Kind: External}},
		"data alone, whatever is only reported":      {[]string{"script-src 'none'"}, []string{"script-src 'self'"}, Form{Kind: Data}},
		"one that says nothing of scripts":           {[]string{"script-src 'self'"}, []string{"img-src 'none'"}, Form{Kind: External}},
		"the hash of a URL, unless unsafe-inline is": {[]string{"script-src 'self' 'unsafe-inline'"}, []string{"script-src 'self' 'url-sha256-AAAA='"}, Form{Kind: Inline}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Content-Security-Policy": test.enforced, "Content-Security-Policy-Report-Only": test.reported}
			if got := FormFor(header, func() string { return "https://h5.test/.dingtalk/client.0123.js" }); got != test.want {
				t.Errorf("form %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAnIntegrityPolicyWantsTheHashOfAFile(t *testing.T) {
	script := func() string { return "https://h5.test/.dingtalk/client.0123.js" }
	for _, name := range []string{"Integrity-Policy", "Integrity-Policy-Report-Only"} {
		for csp, want := range map[string]Form{
			"script-src 'self'":        {Kind: External, Integrity: true},
			"script-src 'nonce-a'":     {Kind: Whole, Nonce: "a"},
			"script-src 'none'":        {Kind: Data},
			"img-src 'self'":           {Kind: Whole},
			"script-src https://other": {Kind: Data},
		} {
			header := http.Header{"Content-Security-Policy": {csp}, name: {"blocked-destinations=(script)"}}
			if got := FormFor(header, script); got != want {
				t.Errorf("%s under %s: %+v, want %+v", name, csp, got, want)
			}
		}
	}
}

func FuzzFormFor(f *testing.F) {
	f.Add("script-src 'nonce-abc' 'strict-dynamic', default-src 'self'", "script-src *.h5.test:443/a/ https:")
	f.Add("script-src 'nonce-\"><script>'", "script-src ://:*/%")
	f.Add(";script-src-elem 'nonce-", "default-src '")
	f.Fuzz(func(t *testing.T, one, two string) {
		form := FormFor(http.Header{"Content-Security-Policy": {one}, "Content-Security-Policy-Report-Only": {two}},
			func() string { return "https://h5.test/.dingtalk/client.0123.js" })
		for i := range len(form.Nonce) {
			switch c := form.Nonce[i]; {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '+', c == '/', c == '-', c == '_', c == '=':
			default:
				t.Fatalf("nonce %q", form.Nonce)
			}
		}
		if form.Kind == Data && form.Nonce != "" || form.Kind < Inline || form.Kind > Data {
			t.Fatalf("form %+v", form)
		}
	})
}
