//go:build unix

package examine

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// otherOwner returns whose the path is, or what of it there is, if uid is root
// and the owner is not.
func otherOwner(path string, uid int) string {
	if uid != 0 {
		return "" // who may not write there will learn it
	}
	for {
		info, err := os.Stat(path)
		if err != nil {
			parent := filepath.Dir(path)
			if parent == path {
				return ""
			}
			path = parent
			continue
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || stat.Uid == 0 {
			return ""
		}
		id := strconv.FormatUint(uint64(stat.Uid), 10)
		if owner, err := user.LookupId(id); err == nil {
			return owner.Username
		}
		return "#" + id // as sudo writes it
	}
}
