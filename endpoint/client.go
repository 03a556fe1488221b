package endpoint

import (
	"net/http"
	"strconv"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// serveClient answers the script. Its name changes with its content.
func serveClient(w http.ResponseWriter, c *call) {
	if c.Method != http.MethodGet && c.Method != http.MethodHead {
		writeMethodError(w, "GET, HEAD", "this file takes GET and HEAD only")
		return
	}
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(client.Source)))
	if c.Method == http.MethodGet {
		_, _ = w.Write([]byte(client.Source))
	}
}
