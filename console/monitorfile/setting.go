package monitorfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"netmon/internal/timetext"
	"netmon/wire"
)

// rule, window and group are settings as people write them: without what only the
// store knows.
type (
	rule struct {
		Name     string       `json:"name" help:"what it is called"`
		Match    wire.Match   `json:"match,omitzero" help:"the incidents that it is for; without it, those that no other rule matches"`
		To       []string     `json:"to" help:"the channels that are notified; [] is nobody"`
		Wait     span         `json:"wait,omitempty" zero:"no" help:"time before the first notice; default: by severity"`
		Update   span         `json:"update,omitempty" zero:"no" help:"least time between notices of changes; default: 5m"`
		Repeat   span         `json:"repeat,omitempty" zero:"no" help:"time between notices while nothing changes; default: by severity"`
		Escalate []escalation `json:"escalate,omitempty" help:"who is notified when nobody acknowledges, at most 10 steps"`
	}
	window struct {
		Name   string     `json:"name" help:"what it is called"`
		Match  wire.Match `json:"match,omitzero" help:"what is muted; without it, everything"`
		Weekly string     `json:"weekly,omitempty" help:"every week, such as Sun 02:00-04:00 or Mon-Fri 22:00-06:00"`
		Cron   string     `json:"cron,omitempty" help:"when it begins: minute hour day month weekday"`
		For    span       `json:"for,omitempty" zero:"no" help:"with cron: how long it lasts"`
		From   moment     `json:"from,omitzero" help:"once: when it begins, such as 2026-12-24T22:00:00+01:00"`
		To     moment     `json:"to,omitzero" help:"once: when it ends"`
		Zone   string     `json:"zone,omitempty" help:"with weekly or cron: the time zone, an IANA name such as Europe/Oslo; default: UTC"`
	}
	group struct {
		Name string         `json:"name" help:"what it is called; no monitor has the name"`
		Of   []string       `json:"of" help:"its monitors"`
		Rule wire.GroupRule `json:"rule,omitempty" help:"how many of them are down when it is down: any, all or a number; default: any"`
	}
	// channelHead is what of a channel is the same for every kind.
	channelHead struct {
		Name     string `json:"name" help:"what it is called"`
		Kind     string `json:"kind" help:"the service that it sends to"`
		Fallback string `json:"fallback,omitempty" help:"the channel that is notified where this one cannot be"`
		Paused   bool   `json:"paused,omitempty" help:"keep it saved, and send nothing"`
	}
)

// moment is a time with a message that says how to write one.
type moment struct{ time.Time }

// JSONSchema is the form that UnmarshalJSON reads.
func (moment) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "format": "date-time"}
}

func (m *moment) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		if t, err := timetext.ParseFixed(text); err == nil {
			m.Time = t
			return nil
		}
	}
	return fmt.Errorf("want a time with its zone, such as 2026-12-24T22:00:00+01:00 or \"2026-12-24 22:00 Europe/Oslo\", got %s", wire.Clip(string(data), wire.MaxToken))
}

// readSetting reads one setting, strictly, and reports every mistake of its form.
func readSetting(sort wire.Sort, raw json.RawMessage) (wire.Setting, error) {
	switch sort {
	case wire.SortChannel:
		return readChannel(raw)
	case wire.SortRule:
		var r rule
		err := wire.DecodeStrict(raw, &r)
		return &wire.NoticeRule{Name: r.Name, Match: r.Match, To: r.To, Wait: wire.Duration(r.Wait), Update: wire.Duration(r.Update), Repeat: wire.Duration(r.Repeat), Escalate: escalations(r.Escalate)}, errors.Join(err, missing(raw, "to"))
	case wire.SortWindow:
		var w window
		err := wire.DecodeStrict(raw, &w)
		return &wire.Window{Name: w.Name, Match: w.Match, Weekly: w.Weekly, Cron: w.Cron, For: wire.Duration(w.For), From: w.From.Time, To: w.To.Time, Zone: w.Zone}, err
	case wire.SortGroup:
		var g group
		err := wire.DecodeStrict(raw, &g)
		return &wire.Group{Name: g.Name, Of: g.Of, Rule: g.Rule}, err
	}
	return nil, fmt.Errorf("a file has no %ss", sort)
}

// missing reports a field that has to be given, although it may be empty.
func missing(raw json.RawMessage, field string) error {
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil || given[field] != nil {
		return nil // the first was reported
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
		return rule{x.Name, x.Match, to, span(x.Wait), span(x.Update), span(x.Repeat), escalationForms(x.Escalate)}
	case *wire.Window:
		return window{x.Name, x.Match, x.Weekly, x.Cron, span(x.For), moment{x.From}, moment{x.To}, x.Zone}
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
	if list := wire.FieldErrors(err); len(list) == 1 && list[0].Path == "" { // it is not an object
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
