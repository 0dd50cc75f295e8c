package status

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"netmon/internal/httpserve"
)

// policy is the Content-Security-Policy of every answer: what is ours and nothing else, no
// inline script, no inline style, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// How long browsers and proxies may answer by themselves. A page is that much older at most.
const (
	cachePage    = "public, max-age=10"
	cacheForever = "public, max-age=31536000, immutable"
)

// Serve answers on l until ctx ends, and closes it.
func (k *Keeper) Serve(ctx context.Context, l net.Listener) error {
	if err := httpserve.Serve(ctx, l, k, httpserve.Usual(), k.log); err != nil {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}

// ServeHTTP answers with a file of the site. All of it is public, whatever host is asked.
func (k *Keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Security-Policy"] = []string{policy}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Referrer-Policy"] = []string{"no-referrer"}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this page changes nothing: want GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	f := (*k.site.Load())[name]
	if f == nil {
		http.Error(w, "there is no such page here", http.StatusNotFound)
		return
	}
	f.send(w, r)
}

// send answers with the file, or that the reader has it.
func (f *File) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Vary"] = []string{"Accept-Encoding"}
	h["Etag"] = []string{f.Tag}
	h["Cache-Control"] = []string{cachePage}
	if f.Forever {
		h["Cache-Control"] = []string{cacheForever}
	}
	if f.Shared {
		h["Access-Control-Allow-Origin"] = []string{"*"}
		h["Cross-Origin-Resource-Policy"] = []string{"cross-origin"}
	} else {
		h["Cross-Origin-Opener-Policy"] = []string{"same-origin"}
		h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
	}
	if has := r.Header.Get("If-None-Match"); has != "" && strings.Contains(has, f.Tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = []string{f.Kind}
	body := f.Plain
	if len(f.Packed) < len(body) && httpserve.TakesGzip(r) {
		h["Content-Encoding"] = []string{"gzip"}
		body = f.Packed
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who does not read it is gone
	}
}
