package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestATokenLivesAsLongAsIsBelievable(t *testing.T) {
	now := time.Now()
	tests := map[string]struct{ told, lives, renewed time.Duration }{
		"two hours, renewed 10 minutes ahead":      {2 * time.Hour, 2 * time.Hour, 110 * time.Minute},
		"more than two hours is two hours":         {3 * time.Hour, 2 * time.Hour, 110 * time.Minute},
		"a day is two hours":                       {24 * time.Hour, 2 * time.Hour, 110 * time.Minute},
		"a short life is renewed in proportion":    {12 * time.Minute, 12 * time.Minute, 11 * time.Minute},
		"a life of seconds is renewed in a minute": {12 * time.Second, 66 * time.Second, 60500 * time.Millisecond},
		"so is the shortest that can be told":      {1, 66 * time.Second, 60500 * time.Millisecond},
		"none is a minute":                         {0, time.Minute, 55 * time.Second},
		"a negative one is a minute":               {-time.Hour, time.Minute, 55 * time.Second},
		"one beyond a day is a minute":             {24*time.Hour + 1, time.Minute, 55 * time.Second},
		"the longest that fits is a minute":        {math.MaxInt64, time.Minute, 55 * time.Second},
		"the most negative that fits is a minute":  {math.MinInt64, time.Minute, 55 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			token := newToken("v", now, tt.told)
			if !token.valid(now.Add(tt.lives-1)) || token.valid(now.Add(tt.lives)) {
				t.Errorf("lives %v, want %v", token.Expires.Sub(now), tt.lives)
			}
			if token.due(now.Add(tt.renewed-1)) || !token.due(now.Add(tt.renewed)) {
				t.Errorf("is renewed after %v, want %v", token.renew.Sub(now), tt.renewed)
			}
			// Another process takes it for the same.
			data, err := json.Marshal(token)
			if err != nil {
				t.Fatal(err)
			}
			read, err := decode(data, now)
			if err != nil || read.Value != "v" || !read.Expires.Equal(token.Expires) || !read.renew.Equal(token.renew) {
				t.Errorf("reads as %v, renewed %v, %v", read, read.renew, err)
			}
			if read.newer(token) || token.newer(read) {
				t.Error("a stored token differs in age from itself")
			}
		})
	}
}

func TestAShortLifetimeCostsOneFetchALife(t *testing.T) {
	for _, lifetime := range []time.Duration{-1, 0, 30 * time.Hour, time.Minute, time.Second} {
		bubble(t, func(t *testing.T) {
			f := newFake()
			f.lifetime = lifetime
			p := newProcess(t, "p", f, newShelf())
			p.mustPage(time.Second)
			for range 10 * 60 * 2 {
				p.mustPage(0)
				time.Sleep(500 * time.Millisecond)
			}
			if n := f.total("ticket"); n < 10 || n > 12 {
				t.Errorf("%v: %d tickets in ten minutes", lifetime, n)
			}
			if f.total("token") > f.total("ticket") {
				t.Errorf("%v: %d access tokens for %d tickets", lifetime, f.total("token"), f.total("ticket"))
			}
		})
	}
}

func TestDecodeBelievesOnlyWhatCanBeTrue(t *testing.T) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	stored := func(fetched, expires time.Duration) string {
		return fmt.Sprintf(`{"value":"v","fetched":%q,"expires":%q}`,
			now.Add(fetched).Format(time.RFC3339Nano), now.Add(expires).Format(time.RFC3339Nano))
	}
	const h, m = time.Hour, time.Minute
	tests := map[string]struct {
		data    string
		err     error
		expires time.Duration // from now
	}{
		"fresh":                              {stored(0, 2*h), nil, 2 * h},
		"half used":                          {stored(-h, h), nil, h},
		"expired":                            {stored(-3*h, -h), nil, -h},
		"from a clock that is 5 min ahead":   {stored(5*m, 2*h+5*m), nil, 2 * h},
		"from a clock that is 5 min behind":  {stored(-5*m, 2*h-5*m), nil, 2*h - 5*m},
		"from a clock that is an hour ahead": {stored(h, 3*h), errFuture, 0},
		"with the lifetime of a day":         {stored(0, 24*h), nil, 2 * h},
		"with the lifetime of a week":        {stored(0, 168*h), errStored, 0},
		"that lived only backwards":          {stored(h, 0), errStored, 0},
		"without a life":                     {stored(0, 0), errStored, 0},
		"empty":                              {"", errStored, 0},
		"half written":                       {stored(0, 2*h)[:40], errStored, 0},
		"half zeroes":                        {stored(0, 2*h)[:40] + strings.Repeat("\x00", 40), errStored, 0},
		"null":                               {"null", errStored, 0},
		"of another shape":                   {`["v"]`, errStored, 0},
		"without a value":                    {strings.Replace(stored(0, 2*h), `"v"`, `""`, 1), errStored, 0},
		"without times":                      {`{"value":"v"}`, errStored, 0},
		"with a broken time":                 {`{"value":"v","fetched":"yesterday","expires":"tomorrow"}`, errStored, 0},
		"twice":                              {stored(0, 2*h) + stored(0, 2*h), errStored, 0},
	}
	for name, tt := range tests {
		t.Run("a token "+name, func(t *testing.T) {
			token, err := decode([]byte(tt.data), now)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err == nil && !token.Expires.Equal(now.Add(tt.expires)) {
				t.Errorf("lives %v more, want %v", token.Expires.Sub(now), tt.expires)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for _, lifetime := range []time.Duration{time.Second, time.Minute, 2 * time.Hour} {
		for _, ahead := range []time.Duration{-24 * time.Hour, -time.Hour, 0, 5 * time.Minute, time.Hour} {
			data, err := json.Marshal(newToken("a-secret-value", now.Add(ahead), lifetime))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
			f.Add(data[:len(data)/2])
		}
	}
	for _, data := range hostile() {
		if len(data) < 1<<16 {
			f.Add([]byte(data))
		}
	}
	f.Add([]byte(`{"value":"v","fetched":"0000-01-01T00:00:00Z","expires":"9999-12-31T23:59:59Z"}`))
	f.Add([]byte(`{"value":"v","fetched":"2026-11-20T09:09:59Z","expires":"2026-11-21T09:09:58+00:00"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		token, err := decode(data, now)
		if err != nil {
			if token != nil {
				t.Error("a token beside an error")
			}
			if text := err.Error(); text != errStored.Error() && text != errFuture.Error() {
				t.Errorf("the error quotes the data: %s", text)
			}
			return
		}
		if len(data) > maxRecord || token.Value == "" || len(token.Value) > maxValue || strings.ContainsAny(token.Value, " \r\n\x00&?#%\"'<>\\") ||
			strings.ContainsFunc(token.Value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("a token of the value %q", token.Value)
		}
		again, err := json.Marshal(token)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := decode(again, now); err == nil && same.Value != token.Value {
			t.Errorf("%q is stored as %q", token.Value, same.Value)
		}
		if token.Fetched.After(now.Add(MaxSkew)) || token.Expires.After(now.Add(maxLifetime)) {
			t.Errorf("fetched %v, expires %v", token.Fetched, token.Expires)
		}
		if !token.renew.Before(token.Expires) {
			t.Errorf("is renewed at %v, after its end at %v", token.renew, token.Expires)
		}
		if shown := fmt.Sprint(token); shown != "token until "+token.Expires.Format(time.RFC3339) {
			t.Errorf("prints as %s", shown)
		}
	})
}

func TestATokenNeverPrintsItsValue(t *testing.T) {
	const secret = "s3cr3t"
	hex := fmt.Sprintf("%x", secret)
	token := newToken(secret, time.Now(), time.Hour)
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	check := func(how, text string) {
		if text == "" || strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), hex) || strings.Contains(text, "115 51 99") {
			t.Errorf("%s prints %s", how, text)
		}
	}
	// All but %w and, of a value, %p: vet refuses these.
	for _, verb := range "vTtbcdoOqxXUeEfFgGs" {
		for _, flags := range []string{"", "+", "#", " ", "-080", "0.3"} {
			format := "%" + flags + string(verb)
			check(format, fmt.Sprintf(format, token))
			check(format+" of a value", fmt.Sprintf(format, *token))
			check(format+" in a struct", fmt.Sprintf(format, struct{ T *Token }{token}))
			check(format+" in a slice", fmt.Sprintf(format, []Token{*token}))
			check(format+" in a map", fmt.Sprintf(format, map[string]Token{"k": *token}))
			check(format+" of nothing", fmt.Sprintf(format, (*Token)(nil)))
		}
	}
	check("%p", fmt.Sprintf("%p", token))
	check("an error", fmt.Errorf("with %w and %v", errors.New("x"), token).Error())
	log.Info("line", zap.Any("pointer", token), zap.Any("value", *token), zap.Stringer("s", token), zap.Stringer("nil", (*Token)(nil)))
	log.Sugar().Infow("line", "pointer", token, "value", *token)
	log.Sugar().Infof("%+v %#v", token, *token)
	for _, line := range renderedLines(t, logs) {
		check("a log line", line)
	}
}

func TestATokenFetchedLaterIsNewerWhateverTheClocksSay(t *testing.T) {
	now := time.Now()
	tests := map[string]struct {
		held time.Duration // when the held one was fetched, as its clock said
		date time.Duration // what the new one is dated then
	}{
		"an earlier date needs no help":                  {-time.Hour, 0},
		"the same date":                                  {0, 1},
		"a clock that is ahead":                          {5 * time.Minute, 5*time.Minute + 1},
		"a date that no process would believe is let be": {11 * time.Minute, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			token := newToken("new", now, time.Hour)
			token.follow(newToken("held", now.Add(tt.held), time.Hour))
			if want := now.Add(tt.date); !token.Fetched.Equal(want) {
				t.Errorf("dated %v ahead, want %v", token.Fetched.Sub(now), tt.date)
			}
			if !token.Expires.Equal(now.Add(time.Hour)) || !token.renew.Equal(now.Add(55*time.Minute)) {
				t.Errorf("expires %v, renewed %v", token.Expires, token.renew)
			}
		})
	}
	token := newToken("first", now, time.Hour)
	token.follow(nil)
	if !token.Fetched.Equal(now) {
		t.Error("the first one is dated otherwise")
	}
}
