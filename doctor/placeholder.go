package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// source matches a placeholder that has its value from outside. Caddy's parser makes one of
// requests of {file.NAME}, where the name is a single word.
var source = regexp.MustCompile(`\{(env|file|http\.request\.uri\.path\.file)\.([^{}]+)\}`)

// Fill says how the placeholder that a text names comes by a value.
func Fill(text string) Text {
	switch named := source.FindStringSubmatch(text); {
	case named != nil && named[1] != "env" && named[1] != "file":
		return Hint("write the whole path of the file, as in {file./run/secrets/%s}, for Caddy takes {file.%s} for a part of a request", named[2], named[2])
	case named == nil:
		return Hint("write {env.NAME} or {file./path}, and set the variable or fill the file before Caddy starts")
	case named[1] == "env":
		return Hint("set the variable %s before Caddy starts", named[2])
	default:
		return fillFile(named[2])
	}
}

// fillFile says why a file gives no value. Caddy tells that the log alone.
func fillFile(name string) Text {
	info, err := os.Stat(name)
	if err == nil && info.Mode().IsRegular() {
		var f *os.File
		if f, err = os.Open(name); err == nil {
			_ = f.Close() // which was only read
		}
	}
	folder, _ := os.Getwd() // "" is no help, and no harm
	switch {
	case errors.Is(err, fs.ErrPermission):
		return Hint("let the user that Caddy runs as read the file %s", name)
	case err == nil && info.IsDir():
		return Hint("write the path of a file, for %s is a folder", name)
	case err != nil && !filepath.IsAbs(name):
		return Hint("fill the file %s before Caddy starts, and write its whole path, as in {file./path}: without it Caddy looks in the folder that it is started in, here %s", name, folder)
	}
	return Hint("fill the file %s before Caddy starts", name)
}
