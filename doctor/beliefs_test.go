package doctor

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestEachHeaderIsBelievedOrNotForAReason(t *testing.T) {
	tests := map[string]struct {
		request  Request
		settings Settings
		header   string
		believed bool
		status   Status
		why      string
	}{
		"the scheme, of a trusted proxy": {
			arrived("X-Forwarded-Proto", "https").trusted(), Settings{}, "X-Forwarded-Proto", true, OK, "it gives the scheme"},
		"a scheme that is that of the connection": {
			arrived("X-Forwarded-Proto", "http").trusted(), Settings{}, "X-Forwarded-Proto", true, OK, "the same as the connection"},
		"the host": {
			arrived("X-Forwarded-Host", "m.test").trusted(), Settings{}, "X-Forwarded-Host", true, OK, "it gives the host"},
		"the scheme, of a stranger": {
			arrived("X-Forwarded-Proto", "https"), Settings{}, "X-Forwarded-Proto", false, Open, "10.0.0.5, who sent it, is not in trusted_proxies"},
		"the scheme, in early data": {
			func() Request { r := arrived("X-Forwarded-Proto", "https").trusted(); r.Early = true; return r }(), Settings{},
			"X-Forwarded-Proto", false, Open, "early data"},
		"a header that is not named": {
			arrived("X-Forwarded-Port", "8443").trusted(), Settings{}, "X-Forwarded-Port", false, Open, "forwarded does not name it"},
		"a header that is named": {
			arrived("X-Forwarded-Port", "8443").trusted(), Settings{Forwarded: []string{"x-forwarded-port"}}, "X-Forwarded-Port", true, OK, "it gives the port"},
		"a target that is named": {
			arrived("X-Original-Uri", "/app/p").trusted(), Settings{Forwarded: []string{"X-Original-URI"}}, "X-Original-URI", true, OK, "it gives the path and query"},
		"a header of the site's own": {
			arrived("X-My-Target", "/app/p").trusted(), Settings{Forwarded: []string{"X-My-Target"}}, "X-My-Target", true, OK, "it gives the path and query"},
		"Forwarded": {
			arrived("Forwarded", "proto=https;host=m.test").trusted(), Settings{Forwarded: []string{"Forwarded"}}, "Forwarded", true, OK, "it gives scheme and host"},
		"a header behind another one": {
			arrived("X-Client-Scheme", "https", "X-Forwarded-Proto", "http").trusted(), Settings{Forwarded: []string{"X-Client-Scheme"}},
			"X-Forwarded-Proto", true, OK, "the same as the connection"},
		"a header behind another one that says the same": {
			arrived("X-Client-Scheme", "https", "X-Forwarded-Proto", "https").trusted(), Settings{Forwarded: []string{"X-Client-Scheme"}},
			"X-Forwarded-Proto", true, OK, "another header that counts before it"},
		"the scheme where public_origin says it": {
			arrived("X-Forwarded-Proto", "https").trusted(), Settings{Public: origins("https://h5.test")}, "X-Forwarded-Proto", true, OK, "public_origin already says the scheme"},
		"a target where public_origin says the rest": {
			arrived("X-Original-Uri", "/app/p").trusted(), Settings{Public: origins("https://h5.test"), Forwarded: []string{"X-Original-URI"}},
			"X-Original-URI", true, OK, "it gives the path and query"},
		"two values": {
			arrived("X-Forwarded-Proto", "https", "X-Forwarded-Proto", "http").trusted(), Settings{}, "X-Forwarded-Proto", true, Error, "exactly one well-formed value"},
		"a list in one value": {
			arrived("X-Forwarded-Host", "a.test, b.test").trusted(), Settings{}, "X-Forwarded-Host", true, Error, "exactly one well-formed value"},
		"a target that is none": {
			arrived("X-Original-Uri", "p").trusted(), Settings{Forwarded: []string{"X-Original-URI"}}, "X-Original-URI", true, Error, "exactly one well-formed value"},
		"a malformed value of a stranger": {
			arrived("X-Forwarded-Proto", "gopher"), Settings{}, "X-Forwarded-Proto", false, Open, "not in trusted_proxies"},
		"the client's address": {
			arrived("X-Forwarded-For", "192.0.2.1").trusted(), Settings{}, "X-Forwarded-For", false, Open, "nothing of the URL"},
		"another name for the scheme": {
			arrived("X-Scheme", "https").trusted(), Settings{}, "X-Scheme", false, Open, "is X-Forwarded-Proto"},
		"another name for the host": {
			arrived("X-Original-Host", "h5.test"), Settings{}, "X-Original-Host", false, Open, "is X-Forwarded-Host"},
		"the port of a listener": {
			arrived("Ali-Cdn-Real-Port", "443").trusted(), Settings{}, "Ali-Cdn-Real-Port", false, Open, "the port of the client"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			all := Beliefs(test.request, test.settings)
			i := slices.IndexFunc(all, func(b Belief) bool { return b.Name == test.header })
			if i < 0 {
				t.Fatalf("not shown: %+v", all)
			}
			b := all[i]
			if b.Believed != test.believed || b.Status != test.status || !strings.Contains(b.Why.EN, test.why) {
				t.Errorf("%+v, want %v, %s, %q", b, test.believed, test.status, test.why)
			}
			expectBoth(t, b.Why)
		})
	}
}

func TestOnlyForwardingHeadersAreShown(t *testing.T) {
	r := arrived("Cookie", "session=1", "Authorization", "Basic x", "User-Agent", "x", "X-Real-Ip", "192.0.2.1", "X-Forwarded-For", "192.0.2.1")
	var names []string
	for _, b := range Beliefs(r, Settings{Forwarded: []string{"X-Absent"}}) {
		names = append(names, b.Name)
	}
	if want := []string{"X-Forwarded-For", "X-Real-IP"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestAllHeadersOfTheFieldAreKnown(t *testing.T) {
	field := []string{
		"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Scheme", "X-Scheme", "X-Real-IP",
		"Forwarded", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Original-URI", "X-Original-URL",
		"X-Rewrite-URL", "X-Original-Host", "X-Host", "CF-Visitor", "X-Client-Scheme", "Front-End-Https", "X-Url-Scheme", "X-Envoy-Original-Path",
		"X-Forward-Port", "Ali-Cdn-Real-Port", "Tencent-Acceleration-Domain-Name", "Via",
	}
	r := Request{Header: make(http.Header)}
	for _, name := range field {
		r.Header.Set(name, "x")
	}
	shown := Beliefs(r, Settings{})
	if len(shown) != len(field) {
		t.Errorf("%d shown of %d", len(shown), len(field))
	}
	for _, b := range shown {
		if !slices.Contains(field, b.Name) {
			t.Errorf("unexpected: %s", b.Name)
		}
		expectBoth(t, b.Why)
	}
}

func TestLongValuesAreCut(t *testing.T) {
	r := arrived("X-Original-Uri", "/"+strings.Repeat("中", 1000))
	if got := Beliefs(r, Settings{})[0].Value; len(got) > 410 || !strings.HasSuffix(got, "中…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
