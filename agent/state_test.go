package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"netmon/agent/policy"
	"netmon/probes/kinds"
	"netmon/wire"
)

const goodState = `{"format":1,"agent":"paris","store":"s","revision":7,"monitors":[{"name":"web","kind":"tcp","target":"h:1","revision":7,"store":"s","touched":7}]}`

func TestLoadState_SetsAsideWhatItCannotRead(t *testing.T) {
	for name, data := range map[string]string{
		"torn":           goodState[:len(goodState)/2],
		"empty":          "",
		"garbage":        "\x00\x01\x02",
		"another format": strings.Replace(goodState, `"format":1`, `"format":2`, 1),
		"another agent":  strings.Replace(goodState, "paris", "tokyo", 1),
		"a bad name":     strings.Replace(goodState, `"web"`, `"we b"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, stateName), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			s, problem, err := loadState(dir, "paris")
			if err != nil || len(s.Monitors) != 0 || !strings.Contains(problem, "moved it to state.json.") {
				t.Errorf("state %+v, problem %q, error %v", s, problem, err)
			}
			aside, err := filepath.Glob(filepath.Join(dir, "*.bad"))
			if err != nil || len(aside) != 1 {
				t.Fatalf("set aside: %v %v", aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != data {
				t.Errorf("what was set aside is %q", kept)
			}
		})
	}
}

func TestLoadState_NoFileIsAnEmptyState(t *testing.T) {
	if s, problem, err := loadState(t.TempDir(), "paris"); err != nil || problem != "" || len(s.Monitors) != 0 {
		t.Errorf("%+v %q %v", s, problem, err)
	}
}

// TestState_HostileCommands has an agent remember what a hostile client sent:
// the file can be read again, and what was good runs on.
func TestState_HostileCommands(t *testing.T) {
	s, _, _ := decodeState([]byte(goodState))
	check := func(m wire.Monitor) (candidate, error) { return candidate{}, m.Validate() }
	run := newRunner("paris", nil)
	a := newSet(t.Context(), run, check)
	var err error
	if a.policy, err = policy.New(policy.Default(), kinds.All(), "default"); err != nil {
		t.Fatal(err)
	}
	a.resume(s)
	for _, m := range []wire.Monitor{
		{Name: "a\x1b[2J", Kind: "tcp", Target: "h:1", Revision: 8}, {Kind: "tcp", Target: "h:1", Revision: 8},
		{Name: "odd", Kind: strings.Repeat("k", 1000), Target: "a\u202eb", Revision: 8}, {Name: strings.Repeat("n", 1000), Kind: "tcp", Target: "h:1"},
	} {
		if r := a.start(wire.Command{Store: "s", Revision: 8}, m, "monitors[0]"); r.State != wire.Refused || len(r.Errors) == 0 {
			t.Errorf("%+v: %+v", m, r)
		}
	}
	for n := range 2000 { // names of monitors that never were
		a.stop(wire.Command{Store: "s", Revision: 9}, "m"+strconv.Itoa(n))
	}
	dir := t.TempDir()
	state := a.state()
	state.Agent = "paris"
	if err := saveState(dir, state); err != nil {
		t.Fatal(err)
	}
	back, problem, err := loadState(dir, "paris")
	if err != nil || problem != "" || len(back.Monitors) != 2 {
		t.Errorf("%+v %q %v", back.Monitors, problem, err)
	}
	b := newSet(t.Context(), run, check)
	b.policy = a.policy
	b.resume(back)
	if e := b.entries["web"]; e == nil || e.task == nil {
		t.Errorf("web: %+v", e)
	}
	if e := b.entries["odd"]; e == nil || e.task != nil || len(e.refused) == 0 {
		t.Errorf("odd: %+v", e)
	}
}

// TestLoadState_NameBeginsWithDash: names could, once. Such a monitor is reported,
// and does not cost the others.
func TestLoadState_NameBeginsWithDash(t *testing.T) {
	dir := t.TempDir()
	one := func(name string) savedEntry {
		return savedEntry{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1"}}
	}
	if err := saveState(dir, stateFile{Agent: "paris", Monitors: []savedEntry{one("-v"), one("web")}}); err != nil {
		t.Fatal(err)
	}
	s, problem, err := loadState(dir, "paris")
	if err != nil || len(s.Monitors) != 1 || s.Monitors[0].Name != "web" || !strings.Contains(problem, `"-v"`) {
		t.Errorf("%+v, %q, %v", s.Monitors, problem, err)
	}
}

// TestSet_ForgetsWithinBounds stops more monitors than an agent remembers.
func TestSet_ForgetsWithinBounds(t *testing.T) {
	s := newSet(t.Context(), newRunner("paris", nil), nil)
	s.store = "s"
	for n := range wire.MaxMonitors + 10 {
		s.stop(wire.Command{Store: "s", Revision: uint64(n + 1)}, "m"+strconv.Itoa(n))
	}
	if len(s.gone) > wire.MaxMonitors {
		t.Errorf("it remembers %d", len(s.gone))
	}
	// An older start is stale, whether its stop is remembered or not.
	for _, name := range []string{"m0", "m" + strconv.Itoa(wire.MaxMonitors+5)} {
		r := s.start(wire.Command{Store: "s"}, wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Revision: 1}, "monitors[0]")
		if r.State != wire.Refused || r.Errors[0].Code != wire.CodeStale {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func FuzzDecodeState(f *testing.F) {
	f.Add([]byte(goodState))
	f.Add([]byte(`{"format":1,"monitors":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := decodeState(data)
		if err != nil {
			return
		}
		for _, m := range s.Monitors {
			if err := wire.CheckToken(m.Name); err != nil {
				t.Errorf("accepted %v", err)
			}
		}
		if bytes.Contains(data, []byte{0}) {
			t.Error("accepted a zero byte")
		}
	})
}

// BenchmarkSaveState saves ten thousand monitors, as every command does.
func BenchmarkSaveState(b *testing.B) {
	s := stateFile{Agent: "paris", Store: "s", Revision: 7}
	for i := range 10_000 {
		m := wire.Monitor{Name: "m" + strconv.Itoa(i), Kind: "icmp", Target: "127.0.0.1", Revision: 7}.WithDefaults()
		s.Monitors = append(s.Monitors, savedEntry{Monitor: m, Store: "s", Touched: 7})
	}
	dir := b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		if err := saveState(dir, s); err != nil {
			b.Fatal(err)
		}
	}
}
