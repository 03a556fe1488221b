package examine_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor/examine"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
)

const (
	storageLine = "{\n\tstorage file_system DIR/storage\n}\n"
	// trustingLine trusts proxies, too.
	trustingLine = "{\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t}\n\tstorage file_system DIR/storage\n}\n"
	goodSite     = "h5.example.com {\n\tdingtalk {\n\t\tAPP\n\t\tapi_base API\n\t}\n}\n"
)

// site is one site with the lines of a dingtalk directive.
func site(address, lines string) string {
	return address + " {\n\tdingtalk {\n\t\t" + lines + "\n\t}\n}\n"
}

// faultyStorageLine is a storage with a fault.
func faultyStorageLine(fault string) string {
	return "{\n\tstorage faulty DIR/storage " + fault + "\n}\n"
}

// date lets the API's clock be off by so much.
func date(off time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
	}
}

// inAnyCorp lets the API take any organisation for that of the sandbox.
func inAnyCorp(next http.Handler) http.Handler {
	anyCorp := regexp.MustCompile(`^/v1\.0/oauth2/[^/]+/token$`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = anyCorp.ReplaceAllLiteralString(r.URL.Path, "/v1.0/oauth2/dingsandboxcorp00001/token")
		next.ServeHTTP(w, r)
	})
}

func TestTheReportTellsWhatIsWrongAndWhatToDo(t *testing.T) {
	const unreached = "not checked: DingTalk is not reached"
	type expectation map[string]string // check -> "status: a part of the message or the advice"
	tests := map[string]struct {
		caddyfile string
		fault     map[sandbox.Call]string
		api       func(http.Handler) http.Handler
		warm      bool        // a server has a ticket already
		want      expectation // of the checks that are not simply right, and texts of some that are
	}{
		"all is right at a cold start": {
			caddyfile: storageLine + goodSite,
			want: expectation{
				"config": "ok: complete", "secrets": "ok: app_secret comes from {file.", "origins": "ok: h5.example.com", "dns": "ok: 127.0.0.1 is an address",
				"connection": "ok: connected to 127.0.0.1:", "clock": "ok: this machine's clock ", "credentials": "ok: access token", "ip_allow_list": "ok: takes calls from",
				"storage": "ok: Caddy's storage (the folder ", "lock": "ok: only one", "ticket": "ok: stored for all servers",
			},
		},
		"all is right while servers run": {
			caddyfile: storageLine + goodSite, warm: true,
			want: expectation{"ticket": "ok: found in the storage, valid until ", "ip_allow_list": "ok: takes the access token call"},
		},
		"the older API is used": {
			caddyfile: storageLine + site("h5.example.com", "APP\n\t\tapi legacy\n\t\toapi_base API"),
			want:      expectation{"corp_id": "open: not checked: no call of api legacy proves it\nopen the doctor page"},
		},
		"the app is not of that organisation": {
			caddyfile: storageLine + site("h5.example.com", "app_key KEY\n\t\tapp_secret {file.DIR/app_secret}\n\t\tcorp_id dingother\n\t\tagent_id 1\n\t\tapi_base API"),
			want:      expectation{"corp_id": "warning: compare corp_id with the CorpId on the home page"},
		},
		"DingTalk does not know the call that proves corp_id": {
			caddyfile: storageLine + goodSite,
			fault:     map[sandbox.Call]string{sandbox.UnifiedCall: "status:404"},
			want:      expectation{"corp_id": "open: not checked: the call that proves it brings no answer (calling oauth2/"},
		},
		"DingTalk takes any corp_id": {
			caddyfile: storageLine + goodSite, api: inAnyCorp,
			want: expectation{"corp_id": "open: not checked: DingTalk takes any corp_id"},
		},
		"the older login is used": {
			caddyfile: storageLine + site("h5.example.com", "corp_secret {file.DIR/corp_secret}\n\t\tDD\n\t\toapi_base API"),
			want:      expectation{"secrets": "ok: corp_secret comes from {file."},
		},
		"a service window is used": {
			caddyfile: storageLine + site("h5.example.com", "channel_secret {file.DIR/channel_secret}\n\t\tDD\n\t\toapi_base API"),
		},
		"the directive has a storage of its own": {
			caddyfile: site("h5.example.com", "APP\n\t\tapi_base API\n\t\tstorage file_system DIR/storage"),
			want:      expectation{"storage": "ok: the directive's storage (the folder "},
		},

		"a secret is wrong": {
			caddyfile: storageLine + site("h5.example.com", "app_key KEY\n\t\tapp_secret {file.DIR/another_secret}\n\t\tDD\n\t\tapi_base API"),
			want: expectation{
				"credentials": "error: Compare app_key and app_secret", "ip_allow_list": "warning: after the credentials",
				"ticket": "warning: no access token",
			},
		},
		"a secret is wrong while servers have a ticket": {
			caddyfile: storageLine + goodSite, warm: true,
			fault: map[sandbox.Call]string{sandbox.TokenCall: "secret"},
			want: expectation{
				"credentials": "error: Compare app_key and app_secret", "ip_allow_list": "warning: after the credentials",
				"ticket": "ok: found in the storage",
			},
		},
		"the address is not allowed": {
			caddyfile: storageLine + goodSite,
			fault:     map[sandbox.Call]string{sandbox.TokenCall: "ip"},
			want: expectation{
				"ip_allow_list": "error: Add 127.0.0.1, the address that DingTalk saw", "credentials": "warning: not checked",
				"ticket": "warning: not checked",
			},
		},
		"the address is not allowed, which only the ticket call tells": {
			caddyfile: storageLine + goodSite,
			fault:     map[sandbox.Call]string{sandbox.TicketCall: "ip"},
			want:      expectation{"ip_allow_list": "error: Add 127.0.0.1", "ticket": "warning: refuses this machine's address"},
		},
		"the ticket call is refused": {
			caddyfile: storageLine + goodSite,
			fault:     map[sandbox.Call]string{sandbox.TicketCall: "permission"},
			want:      expectation{"ticket": "error: 权限管理"},
		},
		"a proxy answers instead of DingTalk": {
			caddyfile: storageLine + goodSite,
			fault:     map[sandbox.Call]string{sandbox.TokenCall: "html"},
			want: expectation{
				"credentials": "error: Something other than DingTalk answered", "ip_allow_list": "warning: not checked", "ticket": "warning: not checked",
			},
		},

		"DingTalk has no address": {
			caddyfile: storageLine + site("h5.example.com", "APP\n\t\tapi_base http://api.dingtalk.invalid"),
			want: expectation{
				"dns": "error: api.dingtalk.invalid has no address", "connection": "warning: not checked", "clock": "warning: " + unreached,
				"credentials": "warning: " + unreached, "corp_id": "warning: " + unreached, "ip_allow_list": "warning: " + unreached, "ticket": "warning: not checked",
			},
		},
		"DingTalk refuses the connection": {
			caddyfile: storageLine + site("h5.example.com", "APP\n\t\tapi_base http://NOBODY"),
			want: expectation{
				"connection": "error: api_base of the dingtalk directive", "clock": "warning: " + unreached,
				"credentials": "warning: " + unreached, "corp_id": "warning: " + unreached, "ip_allow_list": "warning: " + unreached, "ticket": "warning: not checked",
			},
		},
		"the clock is 5 minutes behind": {
			caddyfile: storageLine + goodSite, api: date(5 * time.Minute),
			want: expectation{"clock": "warning: behind DingTalk"},
		},
		"the clock is 5 minutes ahead": {
			caddyfile: storageLine + goodSite, api: date(-5 * time.Minute),
			want: expectation{"clock": "warning: NTP"},
		},
		"the clock is 11 minutes ahead": {
			caddyfile: storageLine + goodSite, api: date(-11 * time.Minute),
			want: expectation{"clock": "error: ahead of DingTalk"},
		},

		"the storage is read-only": {
			caddyfile: faultyStorageLine("readonly") + goodSite,
			want:      expectation{"storage": "error: storing: read-only file system", "lock": "warning: not checked", "ticket": "warning: none is fetched"},
		},
		"the storage is read-only, but has a ticket": {
			caddyfile: faultyStorageLine("readonly") + goodSite, warm: true,
			want: expectation{"storage": "error: each server fetches its own ticket", "lock": "warning: not checked", "ticket": "ok: found in the storage"},
		},
		"the storage cannot be loaded": {
			caddyfile: faultyStorageLine("unloadable") + goodSite,
			want:      expectation{"storage": "error: no such cluster", "lock": "warning: not checked", "ticket": "warning: no storage"},
		},
		"the storage gives back something else": {
			caddyfile: faultyStorageLine("forgetful") + goodSite,
			want:      expectation{"storage": "error: something else", "lock": "warning: not checked", "ticket": "warning: none is fetched"},
		},
		"the storage deletes nothing": {
			caddyfile: faultyStorageLine("undeletable") + goodSite,
			want:      expectation{"storage": "error: deleting: read-only", "lock": "warning: not checked", "ticket": "warning: none is fetched"},
		},
		"the storage is slow": {
			caddyfile: faultyStorageLine("slow") + goodSite,
			want:      expectation{"storage": "warning: choose a storage that is nearer", "lock": "warning: not checked", "ticket": "warning: none is fetched"},
		},
		"the storage takes no ticket": {
			caddyfile: faultyStorageLine("noticket") + goodSite,
			want:      expectation{"ticket": "warning: not stored: read-only file system"},
		},
		"the lock does nothing": {
			caddyfile: faultyStorageLine("nolock") + goodSite,
			want:      expectation{"lock": "warning: two at a time", "storage": "ok: (module faulty)"},
		},
		"there is no lock": {
			caddyfile: faultyStorageLine("lockless") + goodSite,
			want:      expectation{"lock": "warning: no locks here"},
		},

		"the secret is in plain text": {
			caddyfile: storageLine + site("h5.example.com", "app_key KEY\n\t\tapp_secret PLAIN\n\t\tDD\n\t\tapi_base API"),
			want:      expectation{"secrets": "warning: Write app_secret {env.NAME} or app_secret {file./path}."},
		},
		"no host is named and no proxy trusted": {
			caddyfile: storageLine + site(":8080", "APP\n\t\tapi_base API"),
			want:      expectation{"origins": "warning: public_host h5.example.com"},
		},
		"a host is named, but TLS ends elsewhere": {
			caddyfile: storageLine + site("http://h5.corp.example", "APP\n\t\tapi_base API"),
			want:      expectation{"origins": "warning: public_origin https://h5.corp.example"},
		},
		"a semicolon stands behind the site's address": {
			caddyfile: storageLine + site("http://h5.corp.example;", "APP\n\t\tapi_base API"),
			want:      expectation{"origins": "error: no browser shows the host \"h5.corp.example;\"\nWrite the address of the site without semicolons"},
		},
		"something waits for an event that there is not": {
			caddyfile: strings.Replace(storageLine, "}\n", "\tevents {\n\t\ton dingtalk_token_fail dingtalk_robot {\n\t\t\twebhook http://127.0.0.1/?access_token=x\n\t\t}\n\t}\n}\n", 1) + goodSite,
			want:      expectation{"events": "warning: write dingtalk_token_failed\nCorrect the name behind on"},
		},
		"a wildcard is named, but TLS ends elsewhere": {
			caddyfile: storageLine + site("http://*.corp.example", "APP\n\t\tapi_base API"),
			want:      expectation{"origins": "warning: public_origin https://h5.example.com"},
		},
		"the site is for this machine": {
			caddyfile: storageLine + site("http://localhost:8080, http://192.168.1.2:8080", "APP\n\t\tapi_base API"),
		},
		"a public origin is given": {
			caddyfile: storageLine + site(":8080", "APP\n\t\tapi_base API\n\t\tpublic_origin https://h5.example.com"),
			want:      expectation{"origins": "ok: public_origin https://h5.example.com"},
		},
		"TLS ends at a site without a name": {
			caddyfile: storageLine + "https:// {\n\ttls internal\n\tdingtalk {\n\t\tAPP\n\t\tapi_base API\n\t}\n}",
			want:      expectation{"origins": "warning: public_host h5.example.com"},
		},
		"TLS ends at a site without a name, for certificates of its own": {
			caddyfile: storageLine + "https:// {\n\ttls DIR/c.pem DIR/k.pem\n\tdingtalk {\n\t\tAPP\n\t\tapi_base API\n\t}\n}",
			want:      expectation{"origins": "ok: has certificates for"},
		},
		"TLS ends at a site without a name, and public_host names one": {
			caddyfile: storageLine + "https:// {\n\ttls internal\n\tdingtalk {\n\t\tAPP\n\t\tapi_base API\n\t\tpublic_host a.test *.b.test\n\t}\n}",
			want:      expectation{"origins": "ok: signed for a.test, *.b.test"},
		},
		"a proxy is trusted, but nothing names a host": {
			caddyfile: trustingLine + site(":8080", "APP\n\t\tapi_base API"),
			want:      expectation{"origins": "warning: trusts proxies, but nothing names a host"},
		},
		"a proxy is trusted, and public_host names the host": {
			caddyfile: trustingLine + site(":8080", "APP\n\t\tapi_base API\n\t\tpublic_host h5.test\n\t\tforwarded X-Forwarded-Port"),
			want:      expectation{"origins": "ok: signed for h5.test, with the scheme that trusted proxies send", "forwarded": "ok: X-Forwarded-Port"},
		},
		"a proxy is trusted to name its own hosts": {
			caddyfile: trustingLine + site(":8080", "APP\n\t\tapi_base API\n\t\tpublic_host *"),
			want:      expectation{"origins": "ok: public_host * leaves it to others"},
		},
		"any host, but whose word": {
			caddyfile: storageLine + site(":8080", "APP\n\t\tapi_base API\n\t\tpublic_host *"),
			want:      expectation{"origins": "warning: no proxy is trusted and no TLS ends here"},
		},
		"public_host without TLS or a proxy": {
			caddyfile: storageLine + site(":8080", "APP\n\t\tapi_base API\n\t\tpublic_host h5.test"),
			want:      expectation{"origins": "warning: signed for http://h5.test"},
		},
		"headers are to be believed, but of whom": {
			caddyfile: storageLine + site("h5.example.com", "APP\n\t\tapi_base API\n\t\tforwarded X-Original-URI Forwarded"),
			want:      expectation{"forwarded": "warning: trusted_proxies static private_ranges"},
		},
	}
	right := []string{"config", "secrets", "origins", "page", "dns", "connection", "clock", "credentials", "corp_id", "agent_id", "ip_allow_list", "storage", "lock", "ticket"}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{Refetch: sandbox.NewValue}, test.api)
			if test.warm {
				if _, err := w.server(t).Ticket(t.Context(), time.Minute); err != nil {
					t.Fatal(err)
				}
				w.settled(t)
			}
			for call, fault := range test.fault {
				w.ding.SetFault(call, sandbox.MustFault(fault))
			}
			report, text := w.examine(t, strings.ReplaceAll(test.caddyfile, "NOBODY", nobody(t)))
			if len(report) != 1 {
				t.Fatalf("%d handlers", len(report))
			}
			want := make(expectation)
			for _, check := range right {
				want[check] = "ok: "
			}
			want["page"] = "open: not checked: what browsers get through the proxies in front of Caddy\nvisit a page of the app as they do: caddy dingtalk doctor --url http"
			want["agent_id"] = "open: not checked: no call that every app may make proves it\nopen the doctor page"
			if strings.HasPrefix(test.want["credentials"], "error") || strings.HasPrefix(test.want["credentials"], "warning") {
				want["corp_id"] = "warning: not checked: DingTalk looks at the credentials first"
			}
			maps.Copy(want, test.want)
			for _, check := range report[0].Checks {
				status, part, _ := strings.Cut(want[check.Name], ": ")
				if string(check.Status) != status || !strings.Contains(check.Message+"\n"+check.Advice, part) {
					t.Errorf("%s, want %q in\n%s", check.Name, want[check.Name], text)
				}
				if check.Status == examine.Error && check.Advice == "" {
					t.Errorf("%s: no advice", check.Name)
				}
				delete(want, check.Name)
			}
			if len(want) > 0 {
				t.Errorf("no %s in\n%s", slices.Sorted(maps.Keys(want)), text)
			}
		})
	}
}

func TestTwoAppsAreBothChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, nil)
	report, text := w.examine(t, storageLine+goodSite+site("b.test", "app_key other\n\t\tapp_secret {file.DIR/app_secret}\n\t\tDD\n\t\tapi_base API")+
		site("c.test", "APP\n\t\tapi_base API"))
	if len(report) != 3 || report[1].SameAppAs != 0 || report[1].App != "other" {
		t.Fatalf("the report is\n%s", text)
	}
	if report.Count(examine.Error) != 1 || !strings.Contains(text, "\n1 error, 3 warnings, 5 not checked\n") {
		t.Errorf("the errors are not counted in\n%s", text)
	}
	if len(report[2].Checks) != len(report[0].Checks) || !strings.Contains(text, "✓ app            "+w.ding.Options().AppKey+", the same as of handler") {
		t.Errorf("the app of the third is not mentioned in\n%s", text)
	}
}

func TestWhatCannotBeExaminedIsAnError(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	tests := map[string]struct {
		ctx  context.Context
		json string
		want error
		text string
	}{
		"no handler":             {t.Context(), `{"apps":{"http":{"servers":{"srv0":{"routes":[{"handle":[{"handler":"file_server"}]}]}}}}}`, examine.ErrNoHandler, "add the dingtalk directive"},
		"an empty configuration": {t.Context(), `{}`, examine.ErrNoHandler, "--config"},
		"no JSON":                {t.Context(), `:8080`, nil, "must be a Caddyfile or Caddy's JSON"},
		"it is interrupted":      {ended, `{"apps":{"http":{"servers":{"srv0":{"routes":[{"handle":[{"handler":"dingtalk"}]}]}}}}}`, context.Canceled, "examining"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := examine.Examine(test.ctx, []byte(test.json), options(t))
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
