package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// startProfiles takes processor profiles of both contestants for as long as they are
// measured. The function that it returns waits until these are written.
func startProfiles(o options, name string, both [2]*process) (wait func() error) {
	var all errgroup.Group
	seconds := max(1, int((2 * time.Duration(o.rounds) * o.slice).Seconds()))
	for i, p := range both {
		file := filepath.Join(o.sample, strings.NewReplacer(" ", "-", "/", "").Replace(name)+[]string{".plain", ".signed"}[i]+".pprof")
		all.Go(func() error { return saveProfile(p, seconds, file) })
	}
	return all.Wait
}

func saveProfile(p *process, seconds int, file string) error {
	resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.admin, seconds))
	if err != nil {
		return fmt.Errorf("asking Caddy for a profile: %w", err)
	}
	defer resp.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		return fmt.Errorf("reading the profile of Caddy: %w", err)
	}
	return f.Close()
}
