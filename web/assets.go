package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

//go:embed templates
var templateFiles embed.FS

// asset is a file that pages need. Its address has a part of its hash, so that browsers keep
// it for ever and never have an old one.
type asset struct {
	kind          string
	plain, packed []byte
}

var assets, assetPaths = loadAssets()

type assetHandler map[string]asset // by path

func loadAssets() (assetHandler, map[string]string) {
	of, paths := assetHandler{}, map[string]string{}
	list, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, f := range list {
		data, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(f.Name())
		at := "/static/" + strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		of[at], paths[f.Name()] = asset{mime.TypeByExtension(ext), data, packed(data)}, at
	}
	return of, paths
}

func (all assetHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := all[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	body := a.plain
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	_, _ = w.Write(body)
}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"asset": func(name string) string { return assetPaths[name] },
}).ParseFS(templateFiles, "templates/*.html"))
