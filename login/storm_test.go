package login

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-dingtalk/caddy-dingtalk/oapi"
)

// limited is a DingTalk that takes 20 calls in any second, and answers each after a while.
// It needs no network, whose waiting synctest does not see.
type limited struct {
	mu      sync.Mutex
	recent  []time.Time
	refused int
	spent   map[string]bool
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	time.Sleep(time.Duration(20+rand.IntN(60)) * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for len(l.recent) > 0 && now.Sub(l.recent[0]) >= time.Second {
		l.recent = l.recent[1:]
	}
	answer := `{"errcode":0,"result":{"userid":"u1","unionid":"x","name":"张三"}}`
	switch {
	case len(l.recent) >= 20:
		l.refused++
		answer = `{"errcode":90018,"errmsg":"您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了"}`
	case l.spent[string(body)]:
		answer = `{"errcode":40078,"errmsg":"不存在的临时授权码"}`
	default:
		l.recent = append(l.recent, now)
		l.spent[string(body)] = true
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(answer)))}, nil
}

// TestAStormOfAThousandIsInWithin75Seconds: each client does what the page does, which
// comes back with a fresh code after what Retry-After says, and up to as long again.
func TestAStormOfAThousandIsInWithin75Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ding := &limited{spent: make(map[string]bool)}
		in := NewSignIn(SignIn{
			API: oapi.NewApp("key", "secret", oapi.Options{Transport: ding, Timeout: callTimeout}), Tokens: &given{name: "token"},
			CorpID: "ding1", Called: func(string, error) {}, Denied: func(error) {},
		})
		start := time.Now()
		var last atomic.Int64
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				for try := range 21 { // the first, and twenty more
					_, err := in.ByCode(t.Context(), fmt.Sprintf("code-%d-%d", i, try))
					if err == nil {
						last.Store(max(last.Load(), int64(time.Since(start))))
						return
					}
					var e *Error
					if !errors.As(err, &e) || e.Code != CodeBusy && e.Code != CodeRateLimited {
						t.Errorf("client %d: %v", i, err)
						return
					}
					time.Sleep(time.Duration(float64(e.RetryAfter) * (1 + rand.Float64())))
				}
				t.Errorf("client %d has given up", i)
			})
		}
		all.Wait()
		if took := time.Duration(last.Load()); took > 75*time.Second {
			t.Errorf("the last is in after %v", took)
		}
		if ding.refused > 50 {
			t.Errorf("DingTalk has refused %d calls", ding.refused)
		}
		t.Logf("the last is in after %v, %d calls were beyond the limit", time.Duration(last.Load()), ding.refused)
	})
}
