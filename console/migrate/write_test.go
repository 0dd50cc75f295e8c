package migrate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"netmon/console"
	"netmon/console/migrate"
	"netmon/console/monitorfile"
	"netmon/probes/kinds"
	"netmon/wire"
)

// written is what Write makes, and what apply reads of it.
func written(t *testing.T, found *migrate.Found) (string, []wire.Saved) {
	t.Helper()
	found.Check(kinds.All().CheckMonitor)
	in := &migrate.Input{Files: []migrate.File{{Path: "a\n- b"}}}
	var b bytes.Buffer
	if err := migrate.Write(&b, migrate.Source{Name: "tool", Title: "Tool"}, in, found); err != nil {
		t.Fatal(err)
	}
	all, err := monitorfile.Parse("made", b.Bytes(), console.Checks{Monitor: kinds.All().CheckMonitor})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return b.String(), all.Monitors
}

// FuzzWrite: whatever is in the texts, they stay comments, and the monitors are read back.
func FuzzWrite(f *testing.F) {
	f.Add("x\nmonitors: [{name: evil, kind: tcp, target: 'h:1'}]", "a\u2028b\u0085- name: evil\r\n", "\x1b[2J\u202e${env:HOME}")
	f.Add("---\n...\n", "'\"|>", "probe:password@example.com")
	f.Add("a", "b", "pro\t\tbe")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		m := migrate.Monitor{At: migrate.Place{Path: a, Line: 3}, Lost: []string{b}, Notes: []string{c, a + b}}
		m.Saved = wire.Saved{Monitor: wire.Monitor{Name: migrate.Names{}.Of(a), Kind: "tcp", Target: "h:1"}}
		o := migrate.Options{}
		o.Set("steps", []any{map[string]any{"send": m.Sent(c)}})
		m.Tag(b, c)
		var err error
		if m.Options, err = o.JSON(); err != nil {
			t.Fatal(err)
		}
		found := &migrate.Found{Monitors: []migrate.Monitor{m}, Left: []migrate.Left{{At: migrate.Place{Path: c}, What: a, Why: b}}, Remarks: []migrate.Remark{{Text: c}}}
		text, got := written(t, found)
		if len(got) != len(found.Monitors) {
			t.Fatalf("%d monitors, want %d:\n%s", len(got), len(found.Monitors), text)
		}
		if len(got) == 1 && !reflect.DeepEqual(got[0].Tags, found.Monitors[0].Tags) {
			t.Errorf("tags %q, want %q", got[0].Tags, found.Monitors[0].Tags)
		}
		if len(got) == 1 && !sameJSON(t, got[0].Options, found.Monitors[0].Options) {
			t.Errorf("options %s, want %s", got[0].Options, found.Monitors[0].Options)
		}
		for line := range strings.Lines(text) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("%q has a control character", line)
			}
		}
	})
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func TestWrite(t *testing.T) {
	found := &migrate.Found{Monitors: []migrate.Monitor{
		{At: migrate.Place{Path: "f", Line: 2}, Saved: wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "https", Target: "https://example.com/"}, DependsOn: []string{"gone", "db"}}, Lost: []string{"its text"}, Notes: []string{"put it there"}},
		{At: migrate.Place{Path: "f", Line: 4}, Saved: wire.Saved{Monitor: wire.Monitor{Name: "gone", Kind: "tcp", Target: "no port"}}},
		{At: migrate.Place{Path: "f", Line: 6}, Saved: wire.Saved{Monitor: wire.Monitor{Name: "db", Kind: "tcp", Target: "db:1"}, DependsOn: []string{"web"}}},
	}}
	found.Leave(migrate.Place{Path: "f", Line: 8}, "disk (nrpe)", "netmon has no %s", "disks")
	found.NoNotices(migrate.Place{Path: "f"}, "contacts")
	found.NoNotices(migrate.Place{Path: "f"}, "contacts") // once
	text, got := written(t, found)
	for _, want := range []string{
		"# Imported from Tool by netmon import tool: a\\n- b.\n# 2 of 4 checks, 2 of them not in full.\n",
		"# left out: f:8: disk (nrpe): netmon has no disks\n# left out: f:4: gone (tcp): netmon refuses it: target: want host:port, got \"no port\"",
		"# f: contacts: who is notified is not imported: docs/alerts.md has channels and rules\nmonitors:\n",
		"# f:2\n# not carried: its text\n# not carried: it depends on gone, which was left out\n# note: put it there\n- name: web\n",
		"# f:6\n# not carried: what it depends on: web -> db -> web is a cycle\n- name: db\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if len(got) != 2 || found.Complete() {
		t.Errorf("%+v", got)
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"https://anna:geheim@example.com/?a=b&api_key=x1&c": "https://...@example.com/?a=b&api_key=...&c",
		"www.example.com@192.0.2.53:53":                     "www.example.com@192.0.2.53:53",
		"name@[2001:db8::1]:53":                             "name@[2001:db8::1]:53",
		"a?monkey=x":                                        "a?monkey=x",
		"/?accessToken=x":                                   "/?accessToken=...",
	} {
		if got := migrate.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestMonitor_Secrets(t *testing.T) {
	m := migrate.Monitor{}
	m.Name = "web"
	o := migrate.Options{}
	if err := m.URL("https://anna:S3CRET@example.com/", o); err != nil {
		t.Fatal(err)
	}
	m.Headers(map[string]string{"Authorization": "Bearer S3CRET", "X-Auth-Token": "S3CRET", "Cookie": "sid=S3CRET", "X-Plain": "${env:HOME}", "Accept": "*/*"}, o)
	m.Body("user=a&password=S3CRET", o)
	o.Set("sent", m.Sent("AUTH PLAIN S3CRET\r\n"))
	m.Options, _ = o.JSON()
	if strings.Contains(string(m.Options), "S3CRET") || strings.Contains(string(m.Options), "env:HOME") || m.Target != "https://example.com/" {
		t.Errorf("%s %s", m.Target, m.Options)
	}
	if len(m.Notes) != 7 {
		t.Errorf("%d notes: %q", len(m.Notes), m.Notes)
	}
	if err := m.URL("https://example.com/?token=S3CRET", o); err == nil || strings.Contains(err.Error(), "S3CRET") {
		t.Errorf("a secret in a query: %v", err)
	}
	if a, b := m.Secret("x-y"), m.Secret("x_y"); a == b {
		t.Errorf("two secrets have the variable %s", a)
	}
	if got, want := m.Sent("${env:HOME}"), "$${env:HOME}"; got != want {
		t.Errorf("Sent: %q, want %q", got, want)
	}
}

func TestNames(t *testing.T) {
	n := migrate.Names{}
	for _, c := range [][2]string{
		{"web", "web"}, {"Web", "Web-2"}, {"a_b", "a_b"}, {"a-b", "a-b-2"}, {"Shop: page", "Shop-page"}, {"日本", "check"}, {"--", "check-2"},
		{strings.Repeat("x", 70), strings.Repeat("x", 64)}, {strings.Repeat("x", 70), strings.Repeat("x", 62) + "-2"},
	} {
		if got := n.Of(c[0]); got != c[1] {
			t.Errorf("Of(%q) = %q, want %q", c[0], got, c[1])
		}
	}
	for range 100_000 { // each at once, however many have the name
		n.Of("again")
	}
	if got := n.Of("again"); got != "again-100001" {
		t.Errorf("the next one is %q", got)
	}
	if n.Drop("web"); !n.Has("WEB 2") || n.Has("web") {
		t.Error("a name that is given back is taken, or one that is not is free")
	}
}
