package status

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"netmon/internal/httpserve"
)

//go:embed static
var staticFiles embed.FS

// File is one file of a site, as it is sent.
type File struct {
	Kind    string // content type
	Plain   []byte
	Packed  []byte // by gzip
	Tag     string // entity tag: what it is
	Forever bool   // its name says what is in it
	Shared  bool   // other sites show it
}

// Site is all files, by path: index.html, services/shop.html, api/v2/summary.json.
type Site map[string]*File

const (
	kindHTML = "text/html; charset=utf-8"
	kindJSON = "application/json; charset=utf-8"
	kindAtom = "application/atom+xml; charset=utf-8"
	kindSVG  = "image/svg+xml"
)

// builder makes a site.
type builder struct {
	site, before Site // what is the same is taken from the earlier one
	httpserve.Packer
}

func (b *builder) add(name, kind string, data []byte) *File {
	if was := b.before[name]; was != nil && bytes.Equal(was.Plain, data) {
		b.site[name] = was
		return was
	}
	sum := sha256.Sum256(data)
	f := &File{Kind: kind, Plain: data, Packed: b.Pack(data), Tag: `W/"` + hex.EncodeToString(sum[:8]) + `"`}
	b.site[name] = f
	return f
}

// assets are the files that pages need. Their names hold a part of their hash, so that
// browsers keep them for ever and never have an old one.
func (b *builder) assets() (map[string]string, error) {
	names := map[string]string{}
	for name, kind := range map[string]string{"status.css": "text/css; charset=utf-8", "status.js": "text/javascript; charset=utf-8", "mark.svg": kindSVG} {
		data, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(name)
		names[name] = "assets/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		b.add(names[name], kind, data).Forever = true
	}
	return names, nil
}

// Make renders a page. What is the same as in an earlier site, which may be nil, is not
// packed again.
func Make(p *Page, before Site) (Site, error) {
	b := &builder{site: Site{}, before: before}
	assets, err := b.assets()
	if err != nil {
		return nil, err
	}
	page := func(name, template string, v pageView) {
		if err != nil {
			return
		}
		var text []byte
		v.Page, v.Here, v.assets = p, name, assets
		if v.Root = strings.Repeat("../", strings.Count(name, "/")); v.Name == "" {
			v.Name = p.Title
		}
		if text, err = v.html(template); err == nil {
			b.add(name, kindHTML, text)
		}
	}
	page("index.html", "index", pageView{Name: p.Headline + " · " + p.Title, Stories: p.storiesSince(p.At.Add(-recent)), Active: p.plans("in_progress"), Plans: p.plans("scheduled")})
	page("history.html", "history", pageView{Name: "History · " + p.Title, Stories: p.Incidents, Plans: p.Maintenance})
	for i := range p.Sections {
		for k := range p.Sections[i].Services {
			one := &p.Sections[i].Services[k]
			page("services/"+one.Slug+".html", "service", pageView{Name: fmt.Sprintf("%s: %s · %s", one.Name, one.State.Said(), p.Title), Service: one, Stories: p.storiesOf(one)})
			b.add("badge/"+one.Slug+".svg", kindSVG, badge(one.Name, one.State)).Shared = true
		}
	}
	if err != nil {
		return nil, fmt.Errorf("render the status page: %w", err)
	}
	b.add("badge.svg", kindSVG, badge(p.Title, p.State)).Shared = true
	if err := b.api(p); err != nil {
		return nil, err
	}
	feed, err := atom(p)
	if err != nil {
		return nil, err
	}
	b.add("feed.atom", kindAtom, feed).Shared = true
	return b.site, nil
}
