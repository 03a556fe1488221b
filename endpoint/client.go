package endpoint

import (
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// clientName and restName are the names that the scripts have in any version.
var (
	clientName = regexp.MustCompile(`^client\.[0-9a-f]+\.js$`)
	restName   = regexp.MustCompile(`^rest\.[0-9a-f]+\.js$`)
)

// file answers a script. Its name changes with its content.
func file(content, caching string) answer {
	return func(w http.ResponseWriter, c *call) { ServeFile(w, c.Request, content, caching) }
}

// otherFile answers a script under the name of another version of it: in a rolling
// upgrade the page of a neighbour may come here for its script. Ours does instead,
// but nobody may keep it under that name.
func otherFile(name string) answer {
	switch {
	case clientName.MatchString(name):
		return file(client.Source, "no-cache")
	case restName.MatchString(name):
		return file(client.Rest, "no-cache")
	}
	return nil
}

// Kept is the Cache-Control of a file whose name changes with its content.
const Kept = "public, max-age=31536000, immutable"

// ServeFile answers a script.
func ServeFile(w http.ResponseWriter, r *http.Request, content, caching string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writeMethodError(w, r, "GET, HEAD")
		return
	}
	header := w.Header()
	header.Set("Cache-Control", caching)
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, content)
	}
}
