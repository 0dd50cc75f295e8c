package kuma

import (
	"bytes"
	"encoding/json"
	"fmt"

	"netmon/console/migrate"
)

// backup is what a file has, beside its monitors.
type backup struct {
	file    migrate.File
	proxies map[string]*migrate.Fields // by id
	groups  map[string]*migrate.Fields // monitors of the type group, by id
}

// entry is a monitor, and where it stands.
type entry struct {
	*migrate.Fields
	at migrate.Place
}

// backup reads the file that version 1 exports.
func (r *reader) backup(file migrate.File) error {
	b := backup{file: file, proxies: map[string]*migrate.Fields{}, groups: map[string]*migrate.Fields{}}
	lists, err := b.lists()
	if err != nil {
		return err
	}
	if _, has := lists["monitorList"]; !has {
		r.found.Remark(migrate.Place{Path: file.Path}, "it has no monitorList: it is no backup of Uptime Kuma, and nothing of it is imported")
	}
	for _, p := range lists["proxyList"] {
		b.proxies[p.Text("id")] = p.Fields
	}
	for _, m := range lists["monitorList"] {
		if m.Text("type") == "group" {
			b.groups[m.Text("id")] = m.Fields
			r.found.Remark(migrate.Place{Path: file.Path}, "a group of Kuma becomes the tag group of its monitors; groups of netmon, which have a verdict of their own, are in docs/files.md")
		}
	}
	if list := lists["notificationList"]; len(list) > 0 {
		r.found.NoNotices(list[0].at, "notifications")
	}
	for _, m := range lists["monitorList"] {
		if m.Text("type") != "group" {
			r.monitor(&b, m)
		}
	}
	return nil
}

// lists reads the lists of the file one entry at a time, so that each is known by its line.
func (b *backup) lists() (map[string][]entry, error) {
	d := json.NewDecoder(bytes.NewReader(b.file.Data))
	d.UseNumber()
	wrong := func(err error) error {
		return fmt.Errorf("%s: no backup of Uptime Kuma: %w", migrate.Place{Path: b.file.Path, Line: b.line(d.InputOffset())}, err)
	}
	out := map[string][]entry{}
	if _, err := d.Token(); err != nil { // {
		return nil, wrong(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, wrong(err)
		}
		text, _ := name.(string)
		switch text {
		case "monitorList", "proxyList", "notificationList":
			if out[text], err = b.list(d); err != nil {
				return nil, wrong(err)
			}
		default:
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return nil, wrong(err)
			}
		}
	}
	return out, nil
}

func (b *backup) list(d *json.Decoder) (out []entry, err error) {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		if err == nil && t == nil { // null
			return nil, nil
		}
		if err == nil {
			err = fmt.Errorf("want a list, got %v", t)
		}
		return nil, err
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		at := migrate.Place{Path: b.file.Path, Line: b.line(d.InputOffset() - int64(len(raw)))}
		v, err := migrate.Value(raw)
		if err != nil {
			return nil, err
		}
		all, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("want an object, got %.20s", raw)
		}
		out = append(out, entry{migrate.NewFields(all), at})
	}
	_, err = d.Token()
	return out, err
}

func (b *backup) line(offset int64) int {
	return 1 + bytes.Count(b.file.Data[:min(max(offset, 0), int64(len(b.file.Data)))], []byte("\n"))
}

// group is the path of the groups that a monitor is in, and whether all of them are active.
func (b *backup) group(m *migrate.Fields) (path string, active bool) {
	active = true
	for depth, id := 0, m.Text("parent"); id != "" && depth < 10; depth++ {
		g := b.groups[id]
		if g == nil {
			break
		}
		if path != "" {
			path = "/" + path
		}
		path = g.Text("name") + path
		active = active && g.Bool("active", true)
		id = g.Text("parent")
	}
	return path, active
}
