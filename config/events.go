package config

import (
	"math"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// CheckEvent says of an event that a configuration subscribes to that there is none of this
// name, though it is meant to be one of ours; nil of all others. Caddy takes any name, and
// nobody is ever told of what never happens.
func CheckEvent(name string) error {
	names := doctor.Events()
	if slices.Contains(names, name) {
		return nil
	}
	ours := strings.HasPrefix(plain(name), "dingtalk") || strings.Contains(name, "_") && slices.Contains(names, "dingtalk_"+name)
	if !ours && nearest(name, names, slip) == "" {
		return nil
	}
	meant := nearest(name, names, math.MaxInt32)
	if i := slices.IndexFunc(names, func(known string) bool { return wordsOf(name, known) }); i >= 0 {
		meant = names[i]
	}
	return doctor.Wrong("nobody emits an event %q, so its handler is never called: write %s", name, meant)
}

// wordsOf reports whether a name has no other words than that event, and its last one.
func wordsOf(name, event string) bool {
	words, known := strings.Split(name, "_"), strings.Split(event, "_")
	return words[len(words)-1] == known[len(known)-1] && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(known, w) })
}
