package examine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"

	"github.com/caddy-dingtalk/caddy-dingtalk/config"
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/tokens"
)

// Modules returns a context to load modules in, of a configuration that is empty:
// nothing is started and nothing listens. From then on Caddy logs warnings only.
func Modules() (caddy.Context, error) {
	quiet := caddy.CustomLog{BaseLog: caddy.BaseLog{Level: "WARN"}}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{caddy.DefaultLoggerName: &quiet}},
	})
	if err != nil {
		return ctx, fmt.Errorf("preparing to load modules: %w", err)
	}
	return ctx, nil
}

// store is the storage that the tokens of an app are in.
type store struct {
	certmagic.Storage // nil if it cannot be opened
	name              doctor.Text
	err               error
	byDefault         bool // nobody has chosen it
	sound             bool // written and read like one that servers can share
	cancel            context.CancelFunc
}

// open opens the storage of a handler: its own, else Caddy's.
func (e *examiner) open(c *config.Config) *store {
	ctx, cancel := caddy.NewContext(e.Modules)
	s := &store{cancel: cancel}
	raw, whose := c.StorageRaw, say("the directive's storage", "指令的存储")
	if raw == nil {
		raw, whose = e.storage, say("Caddy's storage", "Caddy 的存储")
	}
	if raw == nil {
		s.Storage, s.byDefault = caddy.DefaultStorage, true
	} else {
		s.Storage, s.err = config.OpenStorage(ctx, &config.Config{StorageRaw: raw})
	}
	s.name = say("%s (%s)", "%s（%s）", whose, s.where(raw))
	return s
}

func (s *store) close() { s.cancel() }

// where says which storage it is. The texts of other modules are not shown: they
// may hold passwords.
func (s *store) where(raw json.RawMessage) doctor.Text {
	if files, ok := s.Storage.(*certmagic.FileStorage); ok {
		path, err := filepath.Abs(files.Path)
		if err != nil {
			path = files.Path
		}
		return say("the folder %s", "文件夹 %s", path)
	}
	var module struct {
		Name string `json:"module"`
	}
	_ = json.Unmarshal(raw, &module)
	return say("module %s", "模块 %s", module.Name)
}

const (
	// storageTime bounds what a storage may take for one key.
	storageTime = 10 * time.Second
	// lockTime is how long the second one waits for a lock that the first one
	// holds: long enough for a storage that only looks once a second.
	lockTime = 1500 * time.Millisecond
)

var storageAdvice = say("Check the storage that the dingtalk directive or Caddy's global options name: that this user may read and write it, "+
	"that it is not full, and that it is reached. Pages are signed all the same, but each server fetches its own ticket.",
	"请检查 dingtalk 指令或 Caddy 全局选项所指的存储：这个用户能否读写、是否已满、能否访问。页面照样签名，但每台服务器各取各的 ticket")

// check tries the storage with one key and its lock with two who want it.
func (s *store) check(ctx context.Context) []Check {
	storage := s.storageCheck(ctx)
	if !s.sound {
		return []Check{storage, unchecked("lock", say("it is kept in the storage", "锁保存在存储里"))}
	}
	return []Check{storage, s.lockCheck(ctx)}
}

func (s *store) storageCheck(ctx context.Context) Check {
	const name = "storage"
	if s.err != nil {
		return bad(name, say("%s cannot be opened: %v", "%s打不开：%v", s.name, s.err), say("Correct the storage option: Caddy does not start with it.", "请改正 storage 选项：这样 Caddy 无法启动"))
	}
	if owner := s.owner(); owner != "" {
		return warn(name, say("%s belongs to user %s, so it was only read: files of root would stand in that user's way", "%s属于用户 %s，因此只读不写：root 写的文件会妨碍这个用户", s.name, owner),
			say("Run the doctor as the user that Caddy runs as: sudo -H -u %s caddy dingtalk doctor …", "请用运行 Caddy 的用户来检查：sudo -H -u %s caddy dingtalk doctor …", owner))
	}
	if s.unused() {
		return warn(name, say("%s does not exist: Caddy has not run as this user yet", "%s不存在：Caddy 还没有以这个用户运行过", s.name),
			say("Run the doctor as the user that Caddy runs as, such as sudo -H -u caddy caddy dingtalk doctor … "+
				"If Caddy has never run, start it once, then run the doctor again. Until then no ticket is fetched: "+
				"it could end that of servers whose storage is elsewhere.",
				"请用运行 Caddy 的用户来检查，例如 sudo -H -u caddy caddy dingtalk doctor …；Caddy 从未运行过的，先启动一次再检查。"+
					"在此之前不会获取 ticket：那可能使存储在别处的服务器的 ticket 失效"))
	}
	start := time.Now()
	if err := within(ctx, storageTime, s.try); err != nil {
		return bad(name, say("%s does not work: %v", "%s不能用：%v", s.name, err), storageAdvice)
	}
	if took := time.Since(start); took > tokens.ReadTime {
		return warn(name, say("%s is slow: a value was stored, loaded and deleted in %.1f s", "%s很慢：写入、读出、删除一个值用了 %.1f 秒", s.name, took.Seconds()),
			say("Servers wait 1.5 s at most and then fetch tickets of their own: choose a storage that is nearer.", "服务器最多等 1.5 秒，之后各取各的 ticket：请换一个更近的存储"))
	}
	s.sound = true
	return good(name, say("%s takes a value, gives it back and deletes it", "%s能写入、读出和删除", s.name))
}

// try stores, loads and deletes a key of our own.
func (s *store) try(ctx context.Context) (err error) {
	key, value := "dingtalk/doctor-"+rand.Text(), "a test that may be deleted"
	if err := s.Store(ctx, key, []byte(value)); err != nil {
		return doctor.Wrong("storing: %v", err)
	}
	loaded, err := s.Load(ctx, key)
	if err != nil {
		err = doctor.Wrong("loading: %v", err)
	} else if string(loaded) != value {
		err = doctor.Wrong("loading: it gives back something else than was stored")
	}
	if deleted := s.Delete(context.WithoutCancel(ctx), key); deleted != nil && err == nil {
		err = doctor.Wrong("deleting: %v", deleted)
	}
	return err
}

// lockCheck lets two want the same lock. Locks are advice for us, so whatever is
// wrong is a warning.
func (s *store) lockCheck(ctx context.Context) Check {
	const name = "lock"
	advice := say("Pages are signed all the same. At a cold start each server may call DingTalk once, instead of one for all of them.",
		"页面照样签名；只是冷启动时每台服务器可能各调用一次钉钉，而不是合起来一次")
	lock := "dingtalk-doctor-" + rand.Text()
	first, cancel := context.WithTimeout(context.WithoutCancel(ctx), storageTime)
	defer cancel()
	if err := within(ctx, storageTime, func(context.Context) error { return s.Lock(first, lock) }); err != nil {
		return warn(name, say("the storage gives no lock: %v", "存储不给锁：%v", err), advice)
	}
	err := within(ctx, lockTime, func(ctx context.Context) error {
		if err := s.Lock(ctx, lock); err != nil {
			return err
		}
		return s.Unlock(context.WithoutCancel(ctx), lock)
	})
	// Two who hold the lock unlock it twice, which some storages do not take.
	if unlocked := s.Unlock(first, lock); unlocked != nil && err != nil {
		return warn(name, say("a lock cannot be released: %v", "锁释放不了：%v", unlocked), storageAdvice)
	}
	if err == nil {
		return warn(name, say("the storage gives the same lock to two at a time", "存储把同一把锁同时给了两方"), advice)
	}
	return good(name, say("only one at a time gets it", "同一时间只有一方拿得到"))
}

// within runs what may not heed its context, as a file system that hangs.
func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- do(ctx)
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit + time.Second):
		return doctor.Wrong("no answer in time")
	}
}

// unused reports whether this is the folder that Caddy makes for each user who
// runs it, and this one has not.
func (s *store) unused() bool {
	files, ok := s.Storage.(*certmagic.FileStorage)
	if !ok || !s.byDefault {
		return false
	}
	_, err := os.Stat(files.Path)
	return errors.Is(err, fs.ErrNotExist)
}

// owner is whose files the storage is made of, where root must not add its own:
// the owner could not read them. It is "" where there is no such owner.
func (s *store) owner() string {
	files, ok := s.Storage.(*certmagic.FileStorage)
	if !ok {
		return ""
	}
	return otherOwner(files.Path, os.Geteuid())
}
