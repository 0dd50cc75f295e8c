package monitorfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"netmon/wire"
)

// rule, window and group are settings as people write them: without what only the
// store knows.
type (
	rule struct {
		Name     string            `json:"name"`
		Match    wire.Match        `json:"match,omitzero"`
		To       []string          `json:"to"`
		Wait     wire.Duration     `json:"wait,omitempty" zero:"no"`
		Update   wire.Duration     `json:"update,omitempty" zero:"no"`
		Repeat   wire.Duration     `json:"repeat,omitempty" zero:"no"`
		Escalate []wire.Escalation `json:"escalate,omitempty"`
	}
	window struct {
		Name   string        `json:"name"`
		Match  wire.Match    `json:"match,omitzero"`
		Weekly string        `json:"weekly,omitempty"`
		Cron   string        `json:"cron,omitempty"`
		For    wire.Duration `json:"for,omitempty" zero:"no"`
		From   moment        `json:"from,omitzero"`
		To     moment        `json:"to,omitzero"`
		Zone   string        `json:"zone,omitempty"`
	}
	group struct {
		Name string         `json:"name"`
		Of   []string       `json:"of"`
		Rule wire.GroupRule `json:"rule,omitempty"`
	}
	// channelHead is what of a channel is the same for every kind.
	channelHead struct {
		Name     string `json:"name"`
		Kind     string `json:"kind"`
		Fallback string `json:"fallback,omitempty"`
		Paused   bool   `json:"paused,omitempty"`
	}
)

// moment is a time with a message that says how to write one.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			m.Time = t
			return nil
		}
	}
	return fmt.Errorf("want a time such as 2026-12-24T22:00:00+01:00, got %s", wire.Clip(string(data), wire.MaxToken))
}

// readSetting reads one setting, strictly, and reports every mistake of its form.
func readSetting(sort wire.Sort, raw json.RawMessage) (wire.Setting, error) {
	switch sort {
	case wire.SortChannel:
		return readChannel(raw)
	case wire.SortRule:
		var r rule
		err := wire.DecodeStrict(raw, &r)
		return &wire.NoticeRule{Name: r.Name, Match: r.Match, To: r.To, Wait: r.Wait, Update: r.Update, Repeat: r.Repeat, Escalate: r.Escalate}, errors.Join(err, missing(raw, "to"))
	case wire.SortWindow:
		var w window
		err := wire.DecodeStrict(raw, &w)
		return &wire.Window{Name: w.Name, Match: w.Match, Weekly: w.Weekly, Cron: w.Cron, For: w.For, From: w.From.Time, To: w.To.Time, Zone: w.Zone}, err
	case wire.SortGroup:
		var g group
		err := wire.DecodeStrict(raw, &g)
		return &wire.Group{Name: g.Name, Of: g.Of, Rule: g.Rule}, err
	}
	return nil, fmt.Errorf("a file has no %ss", sort)
}

// missing tells of a field that has to be given, although it may be empty.
func missing(raw json.RawMessage, field string) error {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || given[field] != nil {
		return nil // the first was told
	}
	return &wire.FieldError{Path: field, Err: errors.New("is missing: want channels, or [] for nobody")}
}

// readChannel reads a channel. What is not common to all kinds is the kind's to check.
func readChannel(raw json.RawMessage) (*wire.Channel, error) {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || given == nil {
		return &wire.Channel{}, &wire.FieldError{Err: errors.New("want an object with name and kind")}
	}
	var p wire.Problems
	var head channelHead
	common := map[string]json.RawMessage{}
	for _, field := range []string{"name", "kind", "fallback", "paused"} {
		if v, ok := given[field]; ok {
			common[field] = v
			delete(given, field)
		}
	}
	for _, field := range []string{"author", "change", "revision"} { // the store's own
		if _, ok := given[field]; ok {
			p.Addf(field, "unknown field %q", field)
			delete(given, field)
		}
	}
	data, err := json.Marshal(common)
	if err == nil {
		err = wire.DecodeStrict(data, &head)
	}
	p.Add("", err)
	c := &wire.Channel{Name: head.Name, Kind: head.Kind, Fallback: head.Fallback, Paused: head.Paused}
	if len(given) > 0 {
		c.Settings = given
	}
	return c, p.Err()
}

// settingForm is a setting as a file has it.
func settingForm(x wire.Setting) any {
	switch x := x.(type) {
	case *wire.NoticeRule:
		to := x.To
		if to == nil {
			to = []string{}
		}
		return rule{x.Name, x.Match, to, x.Wait, x.Update, x.Repeat, x.Escalate}
	case *wire.Window:
		return window{x.Name, x.Match, x.Weekly, x.Cron, x.For, moment{x.From}, moment{x.To}, x.Zone}
	case *wire.Group:
		return group{x.Name, x.Of, x.Rule}
	case *wire.Channel:
		return channelForm{x}
	}
	return x
}

// channelForm writes a channel with what is common to all kinds first, and then its
// own settings by name.
type channelForm struct{ *wire.Channel }

func (c channelForm) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(channelHead{c.Name, c.Kind, c.Fallback, c.Paused})
	if err != nil {
		return nil, err
	}
	out := head[:len(head)-1]
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value := c.Settings[name]
		if value == nil {
			value = json.RawMessage("null")
		}
		out = append(append(append(append(out, ','), key...), ':'), value...)
	}
	return append(out, '}'), nil
}

// setting reads one setting of a document.
func (f *file) setting(body ast.Node, sort wire.Sort, at string, raw json.RawMessage) wire.Setting {
	x, err := readSetting(sort, raw)
	if list := wire.FieldErrors(err); len(list) == 1 && list[0].Path == "" { // it is no object
		f.mistakes(body, at, err)
		return nil
	}
	var p wire.Problems
	p.Add("", err)
	p.Add("", f.check.Setting(x))
	f.mistakes(body, at, p.Err())
	if name := x.SettingName(); name != "" && !f.first(body, at, thing{string(sort), name}) {
		return nil
	}
	return x
}
