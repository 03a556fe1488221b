package suite

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestPushesThatAreNotForASuiteAreAllRefusedAlike(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNode(t, newPlatform(), newShelf())
		now := time.Now()
		good := func() Push { return seal(n.crypt, ticketEvent("t9"), suiteKey, now) }
		with := func(change func(*Push)) Push { p := good(); change(&p); return p }
		flip := func(s string) string { return s[:len(s)-1] + string(s[len(s)-1]^1) }
		forged := func(plain []byte) Push {
			m := n.crypt.forge(plain)
			return Push{m.Signature, m.Timestamp, m.Nonce, []byte(`{"encrypt":"` + m.Encrypt + `"}`)}
		}
		other, _ := NewCrypt("t0ken", bytes.Repeat([]byte{8}, 32))
		for name, p := range map[string]Push{
			"a bit of the signature": with(func(p *Push) { p.Signature = flip(p.Signature) }),
			"a bit of the timestamp": with(func(p *Push) { p.Timestamp = flip(p.Timestamp) }),
			"a bit of the nonce":     with(func(p *Push) { p.Nonce = flip(p.Nonce) }),
			"a bit of the message":   with(func(p *Push) { p.Body[20] ^= 1 }),
			"no signature":           with(func(p *Push) { p.Signature = "" }),
			"no message":             with(func(p *Push) { p.Body = []byte(`{}`) }),
			"another $key":           seal(n.crypt, ticketEvent("t9"), "suite2", now),
			"the $key of a check":    seal(n.crypt, ticketEvent("t9"), "suite4xxxxxxxxxxxxxxx", now),
			"another aes_key":        seal(other, ticketEvent("t9"), suiteKey, now),
			"a bad padding":          forged(bytes.Repeat([]byte{40}, 48)),
			"a bad length":           forged(frame(0xFFFFFFFF, "x", 8)),
		} {
			if _, err := (Suites{n.Suite}).Receive(t.Context(), p); err != ErrSignature {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := (Suites{n.Suite}).Receive(t.Context(), Push{Body: []byte("x")}); err != ErrNoJSON {
			t.Error(err)
		}
		if n.fleet.ticket.get().Value != "" {
			t.Error("something was taken from what was refused")
		}
		for _, message := range []string{
			`{"EventType":"check_create_suite_url","Random":"r","TestSuiteKey":"suite4xxxxxxxxxxxxxxx"}`, `{"EventType":"check_url"}`, `{"EventType":"check_update_suite_url"}`, `{"EventType":"new_thing"}`, `[]`,
		} {
			n.mustPush(message)
		}
		if _, err := (Suites{n.Suite}).Receive(t.Context(), seal(n.crypt, `{"EventType":"check_create_suite_url"}`, "suite4xxxxxxxxxxxxxxx", now)); err != nil {
			t.Errorf("the check before there is a suite: %v", err)
		}
		if err := n.pushAt(ticketEvent("t9"), now.Add(-25*time.Hour)); err != ErrStale {
			t.Error(err)
		}
	})
}

func TestEachSuiteOfADirectiveGetsItsOwnPushes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, shared := newPlatform(), newShelf()
		first := newNode(t, p, shared)
		second := newNode(t, p, shared, func(o *Options) { o.Key, o.Token = "suite2", "t0ken2" })
		custom := newNode(t, p, shared, func(o *Options) { o.Key, o.Ticket, o.Token, o.AESKey = "custom", "fixed", "", nil })
		all := Suites{first.Suite, custom.Suite, second.Suite}
		if _, err := all.Receive(t.Context(), seal(second.crypt, ticketEvent("t2"), "suite2", time.Now())); err != nil {
			t.Error(err)
		}
		if a, b, c := first.fleet.ticket.get().Value, second.fleet.ticket.get().Value, custom.fleet.ticket.get().Value; a != "" || b != "t2" || c != "fixed" {
			t.Errorf("%q %q %q", a, b, c)
		}
	})
}

func TestAReplayChangesNothingAndCostsNoWriting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shared := newShelf()
		n := newNode(t, newPlatform(), shared)
		old, auth := ticketEvent("ticket-secret"), authEvent("corp1", time.Now(), "1001")
		n.mustPush(old)
		n.mustPush(auth)
		time.Sleep(time.Minute)
		n.mustPush(ticketEvent("t2"))
		time.Sleep(time.Minute)
		before, after := 0, 0
		shared.set(func() { before = shared.writes })
		for range 10 {
			n.mustPush(old)
			n.mustPush(auth)
		}
		shared.set(func() { after = shared.writes })
		if after != before || n.fleet.ticket.get().Value != "t2" {
			t.Errorf("%d writes, the ticket is %s", after-before, n.fleet.ticket.get().Value)
		}
	})
}

// FuzzReceive: whatever is pushed, nothing panics, and what cannot be opened is refused
// with the same words.
func FuzzReceive(f *testing.F) {
	c, err := NewCrypt("t0ken", aesKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("x"), []byte(`{"EventType":"suite_ticket","SuiteTicket":"t1"}`), true)
	f.Add(frame(0xFFFFFFFF, "x", 8), []byte(nil), true)
	f.Add(frame(2, "ok", 33), []byte(`{"bizData":[{"biz_type":4,"biz_data":"{}"}]}`), false)
	f.Add(bytes.Repeat([]byte{32}, 64), []byte(`{"bizData":[7,null,{"corp_id":"corp1","biz_data":{"syncAction":"org_suite_auth"}}]}`), true)
	f.Fuzz(func(t *testing.T, sealed, message []byte, encrypt bool) {
		_ = parseEvents(message, time.Now().UnixMilli())
		m := Sealed{Timestamp: fmt.Sprint(time.Now().UnixMilli()), Nonce: "n", Encrypt: base64.StdEncoding.EncodeToString(sealed)}
		if encrypt && len(sealed) >= 16 {
			m = c.forge(sealed[:len(sealed)/16*16])
		}
		text, receiver, err := c.Open(m)
		if err != nil && (err != errSealed || text != nil || receiver != "") {
			t.Errorf("%q for %q, %v", text, receiver, err)
		}
		m.Signature = c.sign(m)
		_, _, _, err = Suites{{crypt: c, o: Options{Key: suiteKey}}}.open(Push{m.Signature, m.Timestamp, m.Nonce, []byte(`{"encrypt":"` + m.Encrypt + `"}`)})
		if err != nil && !errors.Is(err, ErrSignature) && !errors.Is(err, ErrStale) {
			t.Error(err)
		}
	})
}

func BenchmarkPush(b *testing.B) {
	for name, message := range map[string]func(i int) string{
		"a new suite_ticket": func(i int) string {
			return fmt.Sprintf(`{"EventType":"suite_ticket","TimeStamp":%d,"SuiteTicket":"t%d"}`, time.Now().UnixMilli(), i)
		},
		"a corp's authorisation": func(i int) string { return authEvent(fmt.Sprintf("corp%d", i), time.Now(), "1001") },
	} {
		b.Run(name, func(b *testing.B) {
			n := newNode(b, newPlatform(), newShelf())
			pushes := make([]Push, 1000)
			for i := range pushes {
				pushes[i] = seal(n.crypt, message(i), suiteKey, time.Now())
			}
			i := 0
			for b.Loop() {
				if _, err := (Suites{n.Suite}).Receive(b.Context(), pushes[i%len(pushes)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pushes/s")
		})
	}
}

// TestAStaleSuiteTicketIsToldOnce: DingTalk pushes one about every five hours.
func TestAStaleSuiteTicketIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, log := observer.New(zap.DebugLevel)
		n := newNode(t, newPlatform(), newShelf(), func(o *Options) { o.Log = zap.New(core) })
		lines := func() int { return log.FilterMessageSnippet("suite_ticket has been pushed").Len() }
		time.Sleep(9 * time.Minute)
		if lines() != 0 {
			t.Error("told within ten minutes of the start")
		}
		time.Sleep(time.Hour)
		if lines() != 1 {
			t.Errorf("told %d times", lines())
		}
		n.mustPush(ticketEvent("ticket-secret"))
		time.Sleep(5 * time.Hour)
		if lines() != 1 {
			t.Errorf("told of one that is five hours old")
		}
		time.Sleep(20 * time.Hour)
		if all := fmt.Sprint(log.All()); lines() != 2 || strings.Contains(all, "ticket-secret") {
			t.Errorf("%d lines: %s", lines(), all)
		}
	})
}
