package monitorfile

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"netmon/console"
	"netmon/internal/safeyaml"
	"netmon/wire"
)

// anyBroker is the address that a target with [console.BrokerTarget] is checked with.
const anyBroker = "127.0.0.1:4222"

// contents are what a YAML document has.
type contents struct {
	given    defaults
	list     string // the name of the field that has the monitors
	raws     []json.RawMessage
	monitors bool // it has a list of them, be it empty
	odd      bool // it has fields that cannot be read, which was reported
	fields   map[string]json.RawMessage
	settings map[wire.Sort][]json.RawMessage
}

// contents reads a document without what is in its lists; of one that is none there is
// nothing else to read.
func (f *file) contents(body ast.Node) (d contents, ok bool) {
	var doc struct {
		Defaults json.RawMessage   `json:"defaults"`
		Monitors []json.RawMessage `json:"monitors"`
		Channels []json.RawMessage `json:"channels"`
		Rules    []json.RawMessage `json:"rules"`
		Windows  []json.RawMessage `json:"windows"`
		Groups   []json.RawMessage `json:"groups"`
		// What `-o json` puts around a list; apply takes its own output back.
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	data, err := safeyaml.JSON(body)
	if err != nil {
		f.src.Add(body, "", err)
		return d, false
	}
	wrong := map[string]bool{} // fields that cannot be read, and are reported once
	for _, e := range wire.FieldErrors(wire.DecodeStrict(data, &doc)) {
		f.src.Add(body, e.Path, e.Err)
		wrong[e.Path] = true
	}
	if json.Unmarshal(data, &d.fields) != nil { // it has none
		return d, false
	}
	d.odd = len(wrong) > 0
	d.list, d.raws = "monitors", doc.Monitors
	if doc.APIVersion != "" {
		d.list, d.raws = "items", doc.Items
	}
	d.monitors = d.fields[d.list] != nil
	d.settings = map[wire.Sort][]json.RawMessage{}
	for sort, list := range map[wire.Sort][]json.RawMessage{wire.SortChannel: doc.Channels, wire.SortRule: doc.Rules, wire.SortWindow: doc.Windows, wire.SortGroup: doc.Groups} {
		if d.fields[console.Section(sort)] != nil && !wrong[console.Section(sort)] {
			d.settings[sort] = list
		}
	}
	d.given, err = defaults(doc.Defaults).checked()
	f.mistakes(body, "defaults", err)
	return d, true
}

// document reads what is in the lists of a document.
func (f *file) document(body ast.Node, into *console.Wanted) {
	doc, ok := f.contents(body)
	if !ok {
		f.says = true
		return
	}
	f.lists(body, doc)
	if len(doc.given) > 0 && len(doc.raws) == 0 && !doc.odd {
		f.src.Add(body, "defaults", errors.New("are for the monitors of the same document, and it has none"))
	}
	for i, raw := range doc.raws {
		at := fmt.Sprintf("%s[%d]", doc.list, i)
		var p wire.Problems
		m, err := doc.given.entry(raw)
		p.Add("", err)
		saved := m.saved()
		p.Add("", saved.Validate())
		checked := saved.Monitor
		checked.Target = console.AtBroker(checked.Target, anyBroker)
		p.Add("", f.check.Monitor(checked))
		f.mistakes(body, at, p.Err())
		if m.Name != "" && !f.first(body, at, thing{ofMonitor, m.Name}) {
			continue
		}
		into.Monitors = append(into.Monitors, saved)
	}
	if doc.monitors {
		into.NoMonitors = false
	}
	f.settings(body, doc, into)
}

// lists notes which lists a document has. One without even [] may be half written.
func (f *file) lists(body ast.Node, doc contents) {
	f.says = f.says || doc.odd
	names := []string{doc.list}
	for _, sort := range console.FileSorts {
		names = append(names, console.Section(sort))
	}
	for _, name := range names {
		raw := doc.fields[name]
		f.says = f.says || raw != nil
		if f.prune && string(raw) == "null" {
			f.src.Add(body, name, fmt.Errorf("has nothing in it, as what is half written: nothing is deleted for that. To mean it, write %s: []", name))
		}
	}
}

// settings reads the channels, rules, windows and groups of a document.
func (f *file) settings(body ast.Node, doc contents, into *console.Wanted) {
	for _, sort := range console.FileSorts {
		list, there := doc.settings[sort]
		if there && !into.Speaks(sort) {
			into.Sorts = append(into.Sorts, sort)
		}
		for i, raw := range list {
			if x := f.setting(body, sort, fmt.Sprintf("%s[%d]", console.Section(sort), i), raw); x != nil {
				into.Settings = append(into.Settings, x)
			}
		}
	}
}
