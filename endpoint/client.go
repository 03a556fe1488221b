package endpoint

import (
	"io"
	"net/http"
	"strconv"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// serveClient answers the script. Its name changes with its content.
func serveClient(w http.ResponseWriter, c *call) error { return ServeFile(w, c.Request, client.Source) }

// ServeFile answers a script whose name changes with its content.
func ServeFile(w http.ResponseWriter, r *http.Request, content string) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return writeMethodError(w, "GET, HEAD", "this file takes GET and HEAD only")
	}
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := io.WriteString(w, content)
	return err
}
