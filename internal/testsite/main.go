// Package testsite is the harness of the black-box tests: Caddy with the dingtalk
// handler, in this process or in several, in front of an upstream, with a simulated
// DingTalk behind it, and what a browser would make of its answers.
package testsite

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-dingtalk/caddy-dingtalk"
)

// asCaddy is the variable of the environment that makes a test program Caddy.
const asCaddy = "TESTSITE_AS_CADDY"

// Command is `caddy` with these arguments, in a process of its own whose storage is the
// folder.
func Command(t testing.TB, folder string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), asCaddy+"=1", "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	return cmd
}

// scratch is where all tests have their folders: tokens are written to a storage
// in the background, when a test may be over.
var scratch string

// Main runs the tests of a package, and is its TestMain. In the processes of a fleet
// it is Caddy.
func Main(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	flag.Parse()
	var err error
	if scratch, err = os.MkdirTemp("", "dingtalk-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	for end := time.Now().Add(10 * time.Second); strings.Contains(Stacks(), "/tokens.(*App)") && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// root is the folder of the module, as long as a test program is started in the
// folder of its package.
var root = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}()

// Root returns the path of a file of the module, which is given in parts.
func Root(elem ...string) string {
	return filepath.Join(append([]string{root}, elem...)...)
}

// Files are those of the module.
func Files() fs.FS { return os.DirFS(root) }

// Folder makes a folder for a test.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
