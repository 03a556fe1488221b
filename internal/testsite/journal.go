//go:build linux || darwin

package testsite

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// journal is the root of a storage in which all its processes write down, line
// by line, what they do to it: in the file `journal`.
type journal string

// record does something, unless it is nil, and writes it down if it succeeded.
// Only one process does so at a time, so that the lines are in the order of what
// has happened.
func (j journal) record(e Record, do func() error) error {
	if err := os.MkdirAll(string(j), 0o700); err != nil {
		return fmt.Errorf("making the storage's folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(string(j), "journal"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	defer file.Close() // ends the lock, too
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking the journal: %w", err)
	}
	if do != nil {
		if err := do(); err != nil {
			return err
		}
	}
	e.Time, e.PID = time.Now(), os.Getpid()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding a line of the journal: %w", err)
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing the journal: %w", err)
	}
	return nil
}

// fetched returns when DingTalk issued a token that is stored, the zero time if
// the value is none.
func fetched(value []byte) time.Time {
	var token struct {
		Fetched time.Time `json:"fetched"`
	}
	_ = json.Unmarshal(value, &token) // other values are none
	return token.Fetched
}
