package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddy-dingtalk/caddy-dingtalk/internal/sandbox"
	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// stored is a record of a token of this value and these times, from now on.
func stored(value string, fetched, expires time.Duration) string {
	now := time.Now()
	quoted, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"value":%s,"fetched":%q,"expires":%q}`, quoted,
		now.Add(fetched).Format(time.RFC3339Nano), now.Add(expires).Format(time.RFC3339Nano))
}

// hostile are records that somebody else has put into the storage.
func hostile() map[string]string {
	const h = 2 * time.Hour
	records := map[string]string{
		"no bytes":                         "",
		"a zero byte":                      "\x00",
		"no JSON":                          "token",
		"half a record":                    stored("half", 0, h)[:40],
		"two records":                      stored("one", 0, h) + stored("two", 0, h),
		"null":                             "null",
		"a list":                           `["` + "value" + `"]`,
		"a text":                           `"value"`,
		"a number":                         "1",
		"an empty object":                  "{}",
		"no times":                         `{"value":"v"}`,
		"times that are none":              `{"value":"v","fetched":"now","expires":"later"}`,
		"times that are numbers":           `{"value":"v","fetched":0,"expires":9999999999}`,
		"a value that is a number":         strings.Replace(stored("1", 0, h), `"1"`, "1", 1),
		"a value that is a list":           strings.Replace(stored("1", 0, h), `"1"`, `["1"]`, 1),
		"an end before its beginning":      stored("v", 0, -time.Minute),
		"a life without length":            stored("v", 0, 0),
		"a life of a week":                 stored("v", 0, 168*time.Hour),
		"a life of ten thousand years":     strings.Replace(stored("v", 0, h), time.Now().Add(h).Format("2006"), "9999", 1),
		"a beginning in the future":        stored("v", 24*time.Hour, 26*time.Hour),
		"a good value before 5 KB of room": stored("v", 0, h) + strings.Repeat(" ", 5<<10),
		"ten thousand brackets":            strings.Repeat("[", 10_000),
	}
	for name, value := range map[string]string{
		"none":                         "",
		"a space":                      " ",
		"two words":                    "two words",
		"a newline at its end":         "value\n",
		"a newline amid it":            "value\nX-Injected: 1",
		"a carriage return":            "value\r\nHost: evil.test",
		"a NUL":                        "value\x00",
		"an escape":                    "\x1b[31mvalue",
		"a delete":                     "value\x7f",
		"Chinese":                      "令牌",
		"a look-alike":                 "v\u0430lue",
		"a byte order mark":            "\ufeffvalue",
		"a soft hyphen":                "val\u00adue",
		"what is no UTF-8":             "value\xff",
		"a URL of its own":             "value&url=https://evil.test",
		"a nonce of its own":           "value&noncestr=x",
		"an equals sign amid it":       "a=b",
		"nothing but padding":          "==",
		"a percent escape":             "value%0a",
		"a quote":                      `value"`,
		"a backslash":                  `value\n`,
		"markup":                       "<script>",
		"a command":                    "$(reboot)",
		"a path of another directory ": "..\\value",
		"a fragment":                   "value#x",
		"a query":                      "value?x",
		"513 bytes":                    strings.Repeat("a", 513),
	} {
		records["a value of "+name] = stored(value, 0, h)
	}
	return records
}

// oversized makes a record of 10 MB, which takes a while: once a test.
func oversized() string { return stored(strings.Repeat("a", 10<<20), 0, 2*time.Hour) }

// Whatever stands in the storage: the first page is signed with what DingTalk
// gives, after one call each, and then the storage is as it should be.
func TestHostileRecordsAreNotBelieved(t *testing.T) {
	if n := len(hostile()); n < 30 {
		t.Fatalf("%d records", n)
	}
	names := append(slices.Collect(maps.Keys(hostile())), "10 MB")
	for _, name := range names {
		for _, of := range []string{"access_token", "jsapi_ticket"} {
			t.Run(name+" for the "+of, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f, shared := newFake(), newShelf()
					key := "dingtalk/" + appName + "/" + of + ".json"
					if name == "10 MB" {
						shared.put(key, []byte(oversized()))
					} else {
						shared.put(key, []byte(hostile()[name]))
					}
					p := newProcess(t, "p", f, shared)
					if got := p.mustPage(time.Second); got.Value != f.living() {
						t.Errorf("signed with %.40q", got.Value)
					}
					f.wantCalls(t, 1, 1)
					p.Close()
					if err := p.Wait(t.Context()); err != nil {
						t.Error(err)
					}
					if after, err := decode(shared.values[key], time.Now()); err != nil || !strings.HasPrefix(after.Value, "value-of-") {
						t.Errorf("the storage holds %.60q", shared.values[key])
					}
					if p.Status().Err != nil {
						t.Errorf("the status says %v", p.Status().Err)
					}
				})
			})
		}
	}
}

// What the alphabet of a token must let pass.
func TestTokensThatDingTalkIssuesAreBelieved(t *testing.T) {
	for _, value := range []string{
		"v", "0", strings.Repeat("a", 512),
		"0f2d1c9a7b3e4d5c8a6f1e0b9d7c3a52", // an access token
		"mS5k98fdkdgDKxkXGEs8LORVREiweeWETE40P37wkidkfksDSKDJFD5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcKIDU8l", // a ticket
		"zHoQdGJuH0ZDebwo7sLqLzHGUueLmkWCC4RycYgkuvDu3eoROgN5qhwnQLgfzwEXtuR9SDzh6BdhyVngzAjrxV",
		"a_b-c.d~e", "c29tZQ==", "a+b/c=", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
	} {
		got, err := decode([]byte(stored(value, 0, 2*time.Hour)), time.Now())
		if err != nil || got.Value != value {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
}

// measured is a storage that tells sizes, and counts what it reads out.
type measured struct {
	*shelf
	read    atomic.Int64
	broken  error // of Stat
	unknown bool  // sizes are
}

func (m *measured) Load(ctx context.Context, key string) ([]byte, error) {
	data, err := m.shelf.Load(ctx, key)
	m.read.Add(int64(len(data)))
	return data, err
}

func (m *measured) Stat(_ context.Context, key string) (certmagic.KeyInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[key]
	switch {
	case m.broken != nil:
		return certmagic.KeyInfo{}, m.broken
	case !ok:
		return certmagic.KeyInfo{}, fs.ErrNotExist
	case m.unknown:
		return certmagic.KeyInfo{Key: key}, nil
	}
	return certmagic.KeyInfo{Key: key, Size: int64(len(value))}, nil
}

func TestARecordOfTenMegabytesIsNotEvenRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f, s := newFake(), &measured{shelf: newShelf()}
		for _, key := range []string{"access_token", "jsapi_ticket"} {
			s.put("dingtalk/"+appName+"/"+key+".json", []byte(oversized()))
		}
		p := newProcess(t, "p", f, s)
		p.mustPage(time.Second)
		time.Sleep(settled)
		if n := s.read.Load(); n > 10*maxRecord {
			t.Errorf("%d bytes were read", n)
		}
		if after := s.ticket(); after == nil || after.Value != f.living() {
			t.Error("the record was not replaced")
		}
		f.wantCalls(t, 1, 1)
		p.wantLines(logStorage, logStorageBack)
	})
}

func TestAStorageThatDoesNotTellSizesServesAllTheSame(t *testing.T) {
	for name, s := range map[string]*measured{
		"it fails": {shelf: newShelf(), broken: errors.New("not implemented")}, "all are 0": {shelf: newShelf(), unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				newProcess(t, "one", f, s).mustPage(time.Second)
				time.Sleep(settled)
				newProcess(t, "two", f, s).mustPage(10 * time.Millisecond)
				f.wantCalls(t, 1, 1)
			})
		})
	}
}

// strange is a source whose values are no tokens, though oapi would pass them on.
type strange struct{ Source }

func (s strange) AccessToken(ctx context.Context) (string, time.Duration, error) {
	value, lifetime, err := s.Source.AccessToken(ctx)
	return value + "&x", lifetime, err
}

func TestDingTalkIsJudgedAsTheStorageIs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newProcess(t, "p", newFake(), newShelf())
		source := p.source()
		p.means().source = func(string) Source { return strange{source} }
		_, err := p.page()
		if u := wantUnavailable(t, err); !errors.Is(u, errIssued) {
			t.Errorf("the error is %v", u)
		}
		p.wantLines(logFails)
	})
}

// A value that is broken, but not for us to see, costs no more than a refresh.
func TestAStoredAccessTokenThatDingTalkDoesNotKnowIsReplaced(t *testing.T) {
	for login := range logins {
		bubble(t, func(t *testing.T) {
			n := newVirtualTenant(t, login, sandbox.Options{})
			n.means().storage.(*shelf).put(n.key(KindAccess), []byte(stored("well-formed-but-foreign", -time.Minute, 2*time.Hour)))
			n.mustPage(time.Second)
			if calls := n.calls(); calls != 3 {
				t.Errorf("%d calls", calls)
			}
			if kind := oapi.KindOf(n.Status().Err); n.Status().Err != nil {
				t.Errorf("the status says %v", kind)
			}
		})
	}
}
