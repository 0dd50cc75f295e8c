package monitorfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"netmon/console"
	"netmon/wire"
)

// ReadRules reads files as Read does, for rules that are to be tried on saved
// monitors, and returns these with the rules that the files give them. Channels, rules
// of notices, windows and groups are returned as they are there.
//
// A monitor with a kind is judged as if the file were applied. One without says only
// what is different from how it is saved, of its verdict field by field; so do
// defaults in a document without monitors, of all. Anything else than verdict and
// depends_on has to be as it is saved.
func ReadRules(paths []string, stdin io.Reader, saved []wire.Saved) (console.Wanted, error) {
	files := read(paths, stdin)
	if files.err != nil {
		return console.Wanted{}, files.err
	}
	t := trial{reader: newReader(console.Checks{}), saved: map[string]wire.Saved{}}
	for _, m := range saved {
		t.saved[m.Name] = m
	}
	t.tried = maps.Clone(t.saved)
	var errs []error
	for _, x := range files.list {
		err := x.err
		if err == nil {
			err = t.file(x.path, x.data)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return console.Wanted{}, err
	}
	t.wanted.Monitors = slices.Clone(saved)
	for i, m := range t.wanted.Monitors {
		t.wanted.Monitors[i] = t.tried[m.Name]
	}
	return t.wanted, nil
}

// trial is rules that are read.
type trial struct {
	*reader
	saved, tried map[string]wire.Saved
	wanted       console.Wanted
}

func (t *trial) file(path string, data []byte) error {
	f, docs, err := t.open(path, data)
	if err != nil {
		return err
	}
	for _, body := range docs {
		doc, ok := f.contents(body)
		if !ok {
			continue
		}
		if len(doc.raws) == 0 && len(doc.given) > 0 {
			t.tryAll(doc.given)
		}
		for i, raw := range doc.raws {
			at := fmt.Sprintf("%s[%d]", doc.list, i)
			m, err := t.try(doc.given, raw)
			f.mistakes(body, at, err)
			if m.Name == "" || !f.first(body, at, thing{ofMonitor, m.Name}) {
				continue
			}
			t.tried[m.Name] = m
		}
		f.settings(body, doc, &t.wanted)
	}
	return f.src.Err()
}

// tryAll gives every monitor what the defaults say.
func (t *trial) tryAll(given defaults) {
	for name, m := range t.saved {
		if _, ok := t.seen[thing{ofMonitor, name}]; ok {
			continue // it is in a file by itself
		}
		raw, _ := json.Marshal(map[string]string{"name": name}) // a name is text
		e, err := given.over(m, raw)
		if err != nil {
			continue // already reported
		}
		is := e.saved()
		m.Verdict, m.DependsOn, m.SLO = is.Verdict, is.DependsOn, is.SLO
		t.tried[name] = m
	}
}

// try reads one monitor.
func (t *trial) try(given defaults, raw json.RawMessage) (wire.Saved, error) {
	var own map[string]json.RawMessage
	if err := json.Unmarshal(raw, &own); err != nil {
		return wire.Saved{}, &wire.FieldError{Err: errors.New("want an object with a name")}
	}
	var name string
	_ = json.Unmarshal(own["name"], &name) // what is wrong with it is reported below
	m, ok := t.saved[name]
	var e entry
	var err error
	if _, full := own["kind"]; full || !ok {
		e, err = given.entry(raw)
	} else {
		e, err = given.over(m, raw)
	}
	var p wire.Problems
	p.Add("", err)
	if !ok {
		p.Addf("name", "no monitor %q is saved: rules are tried on those that are", wire.Clip(name, wire.MaxToken))
		return wire.Saved{Monitor: wire.Monitor{Name: name}}, p.Err()
	}
	is := e.saved()
	for field, err := range t.differences(m, is, own, given) {
		p.Add(field, err)
	}
	m.Verdict, m.DependsOn, m.SLO = is.Verdict, is.DependsOn, is.SLO
	p.Add("", m.Validate())
	return m, p.Err()
}

// differences are the fields that are given and not as they are saved.
func (t *trial) differences(m, is wire.Saved, own map[string]json.RawMessage, given defaults) map[string]error {
	var usual map[string]json.RawMessage
	_ = json.Unmarshal(given, &usual) // it was checked
	out := map[string]error{}
	for field, set := range map[string]func(x *wire.Saved) (was, got any){
		"kind":    func(x *wire.Saved) (any, any) { x.Kind = is.Kind; return m.Kind, is.Kind },
		"target":  func(x *wire.Saved) (any, any) { x.Target = is.Target; return m.Target, is.Target },
		"every":   func(x *wire.Saved) (any, any) { x.Every = is.Every; return m.Every, is.Every },
		"timeout": func(x *wire.Saved) (any, any) { x.Timeout = is.Timeout; return m.Timeout, is.Timeout },
		"agents":  func(x *wire.Saved) (any, any) { x.Agents = is.Agents; return m.Agents, is.Agents },
		"except":  func(x *wire.Saved) (any, any) { x.Except = is.Except; return m.Except, is.Except },
		"paused":  func(x *wire.Saved) (any, any) { x.Paused = is.Paused; return m.Paused, is.Paused },
		"tags":    func(x *wire.Saved) (any, any) { x.Tags = is.Tags; return m.Tags, is.Tags },
		"options": func(x *wire.Saved) (any, any) { x.Options = is.Options; return m.Options, is.Options },
	} {
		if own[field] == nil && usual[field] == nil {
			continue
		}
		x := m
		if was, got := set(&x); !console.Same(x, m) {
			out[field] = fmt.Errorf("only verdict, depends_on and slo may differ from what is saved, which is %s: got %s", shown(was), shown(got))
		}
	}
	return out
}

// shown is a value as a file has it, in short.
func shown(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return wire.Clip(string(bytes.TrimSpace(data)), 100)
}

// over reads a monitor over how it is saved and the defaults.
func (d defaults) over(m wire.Saved, raw json.RawMessage) (e entry, err error) {
	rule := entryOf(wire.Saved{Verdict: m.Verdict, DependsOn: slices.Clone(m.DependsOn), SLO: m.SLO})
	if c := rule.Verdict.Crosscheck; c != nil {
		own := *c
		rule.Verdict.Crosscheck = &own
	}
	e.settings = rule.settings
	if err := d.into(&e.settings, raw); err != nil {
		return e, err
	}
	return e, e.own(raw)
}
