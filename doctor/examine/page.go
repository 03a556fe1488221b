package examine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
)

// sidecar finds what the directive has inserted into a page, and the script element that
// holds it; nil if nothing was.
func sidecar(body string) (found *doctor.Sidecar, element string) {
	const begin = `{"config":`
	for at := 0; ; {
		i := strings.Index(body[at:], begin)
		if i < 0 {
			return nil, ""
		}
		at += i
		var data struct {
			Sidecar *doctor.Sidecar `json:"sidecar"`
		}
		err := json.NewDecoder(strings.NewReader(body[at:])).Decode(&data)
		if err == nil && data.Sidecar != nil && data.Sidecar.Endpoint != "" {
			element, _, _ = strings.Cut(body[strings.LastIndex(body[:at], "<script")+1:], "</script>")
			return data.Sidecar, element
		}
		at += len(begin)
	}
}

// signInData is where a sign-in page says what it is about.
var signInData = regexp.MustCompile(`<script type="application/json" id="dd-login"[^>]*>`)

// gate finds what our sign-in page says of itself, nil if the page is another one.
func gate(body string) *doctor.Gate {
	at := signInData.FindStringIndex(body)
	if at == nil {
		return nil
	}
	found := new(doctor.Gate)
	if err := json.NewDecoder(strings.NewReader(body[at[1]:])).Decode(found); err != nil || found.Endpoint == "" {
		return nil
	}
	return found
}

// loaded are the names of scripts that an inserted script may load.
var loaded = regexp.MustCompile(`/((?:rest|login)\.[0-9a-f]+\.js)`)

// scriptsOf returns the names of the endpoint's scripts that a page loads, or that the
// element in it may load.
func scriptsOf(body, element, endpoint string) (names []string) {
	elements := regexp.MustCompile(`<script[^>]* src="` + regexp.QuoteMeta(endpoint) + `/([a-z]+\.[0-9a-f]+\.js)"`)
	for _, found := range append(elements.FindAllStringSubmatch(body, -1), loaded.FindAllStringSubmatch(element, -1)...) {
		if !slices.Contains(names, found[1]) {
			names = append(names, found[1])
		}
	}
	return names
}

// script fetches a script of the endpoint, whose name holds the beginning of its hash.
func (g *guide) script(ctx context.Context, page, endpoint, name string) doctor.Script {
	s := doctor.Script{Name: name}
	u, err := url.Parse(page)
	if err != nil {
		return s
	}
	resp, err := g.get(ctx, u.Scheme+"://"+u.Host+endpoint+"/"+name, map[string]string{
		"User-Agent": browser["User-Agent"], "Accept": "*/*", "Accept-Encoding": "gzip",
		"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin", "Referer": page,
	})
	if err != nil {
		return s
	}
	defer resp.Body.Close()
	s.Status = resp.StatusCode
	source, err := read(resp)
	if err != nil || resp.StatusCode != http.StatusOK {
		return s
	}
	sum := sha256.Sum256([]byte(source))
	_, rest, _ := strings.Cut(name, ".")
	hash, _, _ := strings.Cut(rest, ".")
	s.Ours = strings.HasPrefix(hex.EncodeToString(sum[:]), hash)
	return s
}
