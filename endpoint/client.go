package endpoint

import (
	"net/http"
	"strconv"

	"github.com/caddy-dingtalk/caddy-dingtalk/client"
)

// serveClient answers the script. Its name changes with its content.
func serveClient(w http.ResponseWriter, c *call) error {
	if c.Method != http.MethodGet && c.Method != http.MethodHead {
		return writeMethodError(w, "GET, HEAD", "this file takes GET and HEAD only")
	}
	header := w.Header()
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(client.Source)))
	if c.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write([]byte(client.Source))
	return err
}
