package examine

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/signer"
)

const (
	tourTime = 20 * time.Second // of each request
	maxPage  = 4 << 20          // bytes of a page that are read
)

// browser is what DingTalk's browser on Android sends for a page.
var browser = map[string]string{
	"User-Agent": "Mozilla/5.0 (Linux; Android 13; caddy-dingtalk doctor) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36 AliApp(DingTalk/7.6.0) com.alibaba.android.rimet",
	"Accept":     "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", "Accept-Language": "zh-CN,zh;q=0.9,en-US;q=0.8", "Accept-Encoding": "gzip, zstd, br",
	"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1", "Upgrade-Insecure-Requests": "1",
}

// Tour goes to a page as DingTalk's browser does, through the proxies that are there,
// and to the endpoints as its script does. Nothing is stored or reported. What servers say
// is asked for in that language. The error says that page is no URL.
func Tour(ctx context.Context, page string, language doctor.Language) (Handler, error) {
	page, _, _ = strings.Cut(page, "#")
	if u, err := url.Parse(page); err == nil && u.Path == "" && u.Host != "" && u.RawQuery == "" && !strings.Contains(page, "?") {
		page += "/"
	}
	if _, err := signer.ParseURL(page); err != nil {
		return Handler{}, doctor.Wrong("--url takes the whole address of a page, for example https://h5.example.com/app/, not %q", page)
	}
	g := guide{language: language, client: &http.Client{
		Timeout: tourTime, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}, CheckRedirect: fewRedirects,
	}}
	defer g.client.CloseIdleConnections()
	heading := say("%s, as DingTalk's browser sees it", "%s，钉钉里的浏览器看到的", page)
	return Findings(page, heading, g.tour(ctx, page).Findings())[0], nil
}

// guide goes from URL to URL.
type guide struct {
	client   *http.Client
	language doctor.Language
}

// errLoop is what browsers call too many redirects.
var errLoop = errors.New("stopped after 10 redirects")

func fewRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errLoop
	}
	return nil
}

func (g *guide) tour(ctx context.Context, page string) (t doctor.Tour) {
	t.Shown = page
	resp, err := g.get(ctx, page, browser)
	if refused := certificateError(err); refused != nil { // what is behind it may be wrong, too
		t.Certificate = refused
		g.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // nothing secret is sent, and the refusal is told
		resp, err = g.get(ctx, page, browser)
	}
	if err != nil {
		t.Err, t.Loops = err, errors.Is(err, errLoop)
		return t
	}
	defer resp.Body.Close()
	if final := resp.Request.URL; final.String() != page { // redirected
		t.Shown, _, _ = strings.Cut(final.String(), "#")
	}
	t.Status, t.Header = resp.StatusCode, resp.Header
	body, err := read(resp)
	if err != nil {
		t.Unread = true
		return t
	}
	var snippet string
	if t.SignIn = gate(body); t.SignIn == nil {
		if t.Sidecar, snippet = sidecar(body); t.Sidecar == nil {
			return t
		}
	}
	t.Endpoint = g.config(ctx, t.Shown, t.At())
	if t.Endpoint.Ours {
		for _, name := range scriptsOf(body, snippet, t.At()) {
			t.Scripts = append(t.Scripts, g.script(ctx, t.Shown, t.At(), name))
		}
		return t
	}
	t.Elsewhere = make(map[string]doctor.Answered)
	for _, below := range foldersOf(t.Shown) {
		path := below + t.At()
		t.Elsewhere[path] = g.config(ctx, t.Shown, path)
	}
	return t
}

func (g *guide) get(ctx context.Context, target string, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := g.client.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the URL, which the report has
	}
	return resp, err
}

// config asks an endpoint for a signature, as the script of the page does.
func (g *guide) config(ctx context.Context, page, endpoint string) (a doctor.Answered) {
	u, err := url.Parse(page)
	if err != nil {
		return a
	}
	resp, err := g.get(ctx, u.Scheme+"://"+u.Host+endpoint+"/config?url="+url.QueryEscape(page), map[string]string{
		"User-Agent": browser["User-Agent"], "Accept-Language": [...]string{doctor.English: "en", doctor.Chinese: "zh"}[g.language], "Accept": "*/*",
		"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Referer": page,
	})
	if err != nil {
		return a
	}
	defer resp.Body.Close()
	var body struct {
		URL       string `json:"url"`
		Signature string `json:"signature"`
		Error     struct{ Code, Message string }
	}
	a.Status = resp.StatusCode
	if text, err := io.ReadAll(io.LimitReader(resp.Body, maxPage)); err != nil || json.Unmarshal(text, &body) != nil {
		return a
	}
	a.Code, a.Message = body.Error.Code, body.Error.Message
	if body.Signature != "" {
		a.URL = body.URL
	}
	// Others have errors of that shape, too, but not with these headers.
	a.Ours = a.URL != "" || a.Code != "" && a.Code != "not_found" && ours(resp.Header)
	return a
}

// ours reports whether an answer has the headers of the endpoints.
func ours(header http.Header) bool {
	return header.Get("Cache-Control") == "no-store" && header.Get("X-Content-Type-Options") == "nosniff"
}

// certificateError returns why a certificate was refused, nil if that is not the error.
func certificateError(err error) error {
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) {
		return refused.Err
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return unknown
	}
	return nil
}

// read reads a page in whatever coding it has.
func read(resp *http.Response) (string, error) {
	var body io.Reader = io.LimitReader(resp.Body, maxPage)
	switch strings.ToLower(resp.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip", "x-gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return "", err
		}
		body = unzipped
	case "zstd":
		decoder, err := zstd.NewReader(body)
		if err != nil {
			return "", err
		}
		defer decoder.Close()
		body = decoder
	default:
		return "", errors.New("unknown coding")
	}
	text, err := io.ReadAll(io.LimitReader(body, maxPage))
	if errors.Is(err, io.ErrUnexpectedEOF) && len(text) > 0 { // cut at maxPage: the snippet stands at the beginning
		err = nil
	}
	return string(text), err
}

// foldersOf returns the folders above a page, the longest last: /a and /a/b of /a/b/c.
func foldersOf(page string) (folders []string) {
	u, err := url.Parse(page)
	if err != nil {
		return nil
	}
	path := u.EscapedPath()
	for i := 1; i < len(path) && len(folders) < 4; i++ {
		if path[i] == '/' {
			folders = append(folders, path[:i])
		}
	}
	return folders
}
