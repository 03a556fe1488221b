package endpoint

import (
	"net/http"
	"regexp"
	"strconv"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// clientName are the names that the script has in any version.
var clientName = regexp.MustCompile(`^client\.[0-9a-f]+\.js$`)

// serveClient answers the script. Its name changes with its content.
func serveClient(w http.ResponseWriter, c *call) {
	serveScript(w, c, "public, max-age=31536000, immutable")
}

// serveOtherClient answers the script under the name of another version of it: in a
// rolling upgrade the page of a neighbour may come here for its script. Ours does
// instead, but nobody may keep it under that name.
func serveOtherClient(w http.ResponseWriter, c *call) { serveScript(w, c, "no-cache") }

func serveScript(w http.ResponseWriter, c *call, caching string) {
	if c.Method != http.MethodGet && c.Method != http.MethodHead {
		writeMethodError(w, "GET, HEAD", "this file takes GET and HEAD only")
		return
	}
	header := w.Header()
	header.Set("Cache-Control", caching)
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(client.Source)))
	if c.Method == http.MethodGet {
		_, _ = w.Write([]byte(client.Source))
	}
}
