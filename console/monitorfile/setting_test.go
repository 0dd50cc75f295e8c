package monitorfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"netmon/console"
	"netmon/wire"
)

// channelChecks has one kind of channel, with one field.
var channelChecks = console.Checks{Monitor: checks.Monitor, Channel: func(c *wire.Channel) error {
	var own struct {
		URL string `json:"url"`
	}
	if err := wire.DecodeStrict(c.Own(), &own); err != nil {
		return err
	}
	if !strings.HasPrefix(own.URL, "https://") {
		return &wire.FieldError{Path: "url", Err: fmt.Errorf("want https://, got %q", own.URL)}
	}
	return nil
}}

// TestSettings_AreWrittenBack: a file of all fields is what it was.
func TestSettings_AreWrittenBack(t *testing.T) {
	const file = `channels:
- name: hook
  kind: webhook
  fallback: mail
  paused: true
  url: https://hooks.example.org/
- name: mail
  kind: webhook
  url: https://mail.example.org/
rules:
- name: shop
  match:
    monitors:
    - db*
    groups:
    - store
    agents:
    - paris
    tags:
      team: shop
    kinds:
    - https
    blame:
    - target
    severity:
    - down
    - certificate
  to:
  - hook
  wait: 20s
  update: 10m
  repeat: 4h
  escalate:
  - after: 15m
    to:
    - mail
- name: nobody
  to: []
windows:
- name: backup
  match:
    tags:
      env: prod
  cron: 30 3 1 * *
  for: 1h30m
- name: patch
  weekly: Sun 02:00-04:00
  zone: Europe/Oslo
- name: once
  from: "2026-12-24T22:00:00+01:00"
  to: "2026-12-25T02:00:00+01:00"
groups:
- name: store
  of:
  - web
  rule: "1"
monitors:
- name: web
  kind: tcp
  target: h:1
  tags:
    env: prod
    team: shop
`
	all, err := Parse("f.yaml", []byte(file), channelChecks)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, all, ""); err != nil {
		t.Fatal(err)
	}
	if b.String() != file {
		t.Errorf("%s\nwant\n%s", b.String(), file)
	}
	if got := all.Count(); got != "1 monitor, 2 channels, 2 rules, 3 windows, 1 group" {
		t.Error(got)
	}
	for _, x := range all.Settings { // each by itself, through an editor
		text, err := DraftSetting(x)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseSettingDraft("f.yaml", text, x.Sort(), x.SettingName(), channelChecks)
		if err != nil || !console.SameSetting(x, back) {
			t.Errorf("%s: %v\n%s", console.SettingTitle(x), err, text)
		}
	}
}

// TestSettings_WhatAFileSpeaksOf: lists that are there, be they empty.
func TestSettings_WhatAFileSpeaksOf(t *testing.T) {
	for text, want := range map[string]struct {
		monitors bool
		sorts    []wire.Sort
		count    string
	}{
		"monitors: []":                     {true, nil, "0 monitors"},
		"channels: []":                     {false, []wire.Sort{wire.SortChannel}, "0 channels"},
		"groups: []\n---\nrules: []":       {false, []wire.Sort{wire.SortGroup, wire.SortRule}, "0 rules, 0 groups"},
		"monitors: []\n---\nwindows: []\n": {true, []wire.Sort{wire.SortWindow}, "0 monitors, 0 windows"},
		"":                                 {false, nil, "0 monitors"},
	} {
		all, err := Parse("f.yaml", []byte(text), checks)
		if err != nil || all.NoMonitors == want.monitors || !slices.Equal(all.Sorts, want.sorts) || all.Count() != want.count {
			t.Errorf("%q: %+v %s %v", text, all, all.Count(), err)
		}
	}
}

// TestSettings_Mistakes: each is reported at its line, in its field, with its value.
func TestSettings_Mistakes(t *testing.T) {
	const hook = "channels:\n- name: hook\n  kind: webhook\n  url: https://h/\n"
	for text, want := range map[string][]string{
		"channels:\n- name: a b\n  kind: 7\n  url: http://h/\n": {
			`f.yaml:2: channels[0].name: "a b" has a character that is not one of A-Z a-z 0-9 _ -`, `f.yaml:3: channels[0].kind: want a string, got 7: put it in quotes`, `f.yaml:4: channels[0].url: want https://, got "http://h/"`},
		hook + "  nosuch: 1\n":                              {`f.yaml:5: channels[0].nosuch: unknown field "nosuch": one of url`},
		hook + "  revision: 3\n  author: me\n":              {`f.yaml:5: channels[0].revision: unknown field "revision"`, `f.yaml:6: channels[0].author: unknown field "author"`},
		hook + "  fallback: hook\n":                         {`f.yaml:5: channels[0].fallback: "hook" cannot be its own`},
		hook + "  paused: maybe\n":                          {`f.yaml:5: channels[0].paused: want true or false, got "maybe"`},
		hook + "- name: hook\n  kind: x\n  url: https://i/": {`f.yaml:5: channels[1].name: "hook" is given a second time, first at f.yaml:2`},
		"channels: {name: a}":                               {`f.yaml:1: channels: want a list, got {"name":"a"}`},
		"channels: [7]":                                     {`f.yaml:1: channels[0]: want an object with name and kind`},
		"channels:\n- {name: a, kind: x, url: \"https://\", fallback: b}\n- {name: b, kind: x, url: \"https://\", fallback: a}\n": {
			`f.yaml:2: channels[0].fallback: a -> b -> a is a cycle`, `f.yaml:3: channels[1].fallback: b -> a -> b is a cycle`},
		"rules:\n- name: r\n  match: {sevrity: [down]}\n  wait: 0s\n": {
			`f.yaml:3: rules[0].match.sevrity: unknown field "sevrity": did you mean severity? one of agents, blame, groups, kinds, monitors, severity, tags`, `f.yaml:4: rules[0].wait: want more than 0, got "0s": leave it out for the default`, `f.yaml:2: rules[0].to: is missing: want channels, or [] for nobody`},
		"rules:\n- name: r\n  to: [hook, hook]\n  match:\n    severity: [dead]\n    tags: {team: 1}\n  escalate:\n  - after: 1ms\n    to: []\n": {
			`f.yaml:3: rules[0].to[1]: "hook" is listed twice`, `f.yaml:5: rules[0].match.severity[0]: want one of down, `, `f.yaml:6: rules[0].match.tags.team: want a string, got 1: put it in quotes`,
			`f.yaml:8: rules[0].escalate[0].after: want 1s to 30d, got "1ms"`, `f.yaml:9: rules[0].escalate[0].to: is empty: want channels`},
		"windows:\n- name: w\n  weekly: Someday\n  zone: Mars/Olympus\n":                          {`f.yaml:3: windows[0].weekly: `, `f.yaml:4: windows[0].zone: want an IANA name such as Europe/Oslo, got "Mars/Olympus"`},
		"windows:\n- name: w\n  from: tomorrow\n  to: 2026-12-25T02:00:00Z\n":                     {`f.yaml:3: windows[0].from: want a time with its zone, such as 2026-12-24T22:00:00+01:00 or "2026-12-24 22:00 Europe/Oslo", got "tomorrow"`},
		"groups:\n- name: g\n  of: []\n  rule: most\n":                                            {`f.yaml:3: groups[0].of: want 1 to 1000 monitors, got 0`, `f.yaml:4: groups[0].rule: want any, all or a number such as 2, got "most"`},
		"groups:\n- name: g\n  of: [a]\n  rule: 2\n":                                              {`f.yaml:4: groups[0].rule: 2 can never be down: the group has 1`},
		"groups:\n- {name: web, of: [web]}\nmonitors:\n- {name: web, kind: tcp, target: \"h:1\"}": {`f.yaml:2: groups[0].name: "web" is the name of a monitor, at f.yaml:4: a group has a name of its own`},
		"silences: []": {`f.yaml:1: silences: unknown field "silences"`},
		"monitors:\n- name: web\n  kind: tcp\n  target: h:1\n  tags:\n    team: \"\"\n    \"a b\": x\n": {`f.yaml:6: monitors[0].tags.team: want 1 to 64 bytes of text that shows, got ""`, `f.yaml:7: monitors[0].tags.a b: "a b" has a character`},
		"defaults: {tags: [a]}\nmonitors:\n- {name: web, kind: tcp, target: \"h:1\"}\n":                 {`f.yaml:1: defaults.tags: want an object, got ["a"]`},
	} {
		_, err := Parse("f.yaml", []byte(text), channelChecks)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s\n%v\nwant %s", text, err, w)
			}
		}
		if n := strings.Count(fmt.Sprint(err), "f.yaml:"); err != nil && n > len(want)+1 {
			t.Errorf("%s\n%v\nwant %d mistakes, got %d", text, err, len(want), n)
		}
	}
}

// TestTags_OfDefaults are beside those that a monitor has itself.
func TestTags_OfDefaults(t *testing.T) {
	all, err := Parse("f.yaml", []byte(`defaults: {tags: {env: prod, team: ops}}
monitors:
- {name: a, kind: tcp, target: "h:1"}
- {name: b, kind: tcp, target: "h:1", tags: {team: shop, tier: "1"}}
- {name: c, kind: tcp, target: "h:1", tags: {}}
`), checks)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all.Monitors {
		got = append(got, m.Name+" "+console.TagText(m.Tags))
	}
	if is := strings.Join(got, "; "); is != "a env=prod, team=ops; b env=prod, team=shop, tier=1; c " {
		t.Error(is)
	}
}

// FuzzSettings: whatever is read is written so that it is read as the same.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		"channels:\n- {name: hook, kind: webhook, url: \"https://h/\", n: 1e3, deep: {a: [1, null, \"\\x1b\"]}}\nrules:\n- {name: all, to: []}\n",
		"rules: [{name: r, to: [a], wait: 1m, match: {tags: {a: \"*\"}, severity: [down]}}]", "windows: [{name: w, weekly: \"Sun 02:00-04:00\", zone: Europe/Oslo}, {name: o, from: 2026-12-24T22:00:00Z, to: 2026-12-25T22:00:00Z}]",
		"groups: [{name: g, of: [a, b], rule: 2}]\nmonitors: [{name: a, kind: tcp, target: \"h:1\", tags: {a: b}}]", "channels: [null]", "rules: [{name: r, to: }]", "channels: []\n---\nwindows: [{name: c, cron: \"* * * * *\", for: 1h}]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Parse("f.yaml", data, checks)
		if err != nil {
			return
		}
		var b strings.Builder
		if err := Write(&b, all, ""); err != nil {
			t.Fatal(err)
		}
		again, err := Parse("f.yaml", []byte(b.String()), checks)
		if err != nil {
			t.Fatalf("%q is written as\n%s\n%v", data, b.String(), err)
		}
		was, errWas := json.Marshal(all.Settings)
		is, errIs := json.Marshal(again.Settings)
		if len(all.Settings) != len(again.Settings) || len(all.Monitors) != len(again.Monitors) || errWas != nil || errIs != nil {
			t.Fatalf("%q is written as\n%s\n%s", data, b.String(), was)
		}
		for _, x := range all.Settings {
			if !slices.ContainsFunc(again.Settings, func(y wire.Setting) bool { return console.SameSetting(x, y) }) {
				t.Errorf("%q is written as\n%s\nread as %s, was %s", data, b.String(), is, was)
			}
		}
	})
}

func TestWrite_DurationsAsPeopleWriteThem(t *testing.T) {
	text := `rules:
- name: all
  to: []
  repeat: 1d12h
  escalate:
  - after: 1d
    to: [mail]
windows:
- name: night
  cron: 0 2 * * *
  for: 2w
monitors:
- name: web
  kind: tcp
  target: h:1
  every: 1d
`
	wanted, err := Parse("f.yaml", []byte(text), checks)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, wanted, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"repeat: 1d12h", "after: 1d", "for: 2w", "every: 1d"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	again, err := Parse("f.yaml", []byte(b.String()), checks)
	if err != nil || len(again.Settings) != 2 || !console.SameSetting(again.Settings[0], wanted.Settings[0]) {
		t.Errorf("what is written is read as %+v, %v", again, err)
	}
}
