package monitorfile

import (
	"strings"
	"testing"

	"netmon/console"
	"netmon/wire"
)

func TestSet(t *testing.T) {
	was := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "http", Target: "http://h/", Every: wire.Duration(10e9), Timeout: wire.Duration(5e9), Options: []byte(`{"expect":{"status":"200"}}`)}, Tags: map[string]string{"team": "shop"}}
	for line, want := range map[string]string{ // of the diff, the lines that change
		"every=5s timeout=1s":               "every: 5s|timeout: 1s",
		"expect.status=301 method=HEAD":     `status: 301|method: HEAD`,
		"expect.status=":                    "!options",
		"expect.status-":                    "!options",
		"tags.team-":                        "!tags",
		"tags.shard=1 tag.stage=prod":       `shard: "1"|stage: prod|team: shop`,
		"on=paris,region=eu":                "agents:|- paris|- region=eu",
		"agents=all except=oslo":            "except:|- oslo",
		"paused=yes":                        "paused: true",
		"quorum=any down=3/5":               "quorum: any|down: 3/5",
		"depends_on=gateway,dns":            "- gateway|- dns",
		"depends-on=gateway":                "- gateway",
		"options.max_body=3 headers.X=true": `max_body: 3|X: "true"`,
	} {
		is, err := Set(was, assignments(t, line), checks)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		text, err := asYAML(&is)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(want, "|") {
			if absent, not := strings.CutPrefix(part, "!"); not == strings.Contains(text, strings.TrimSpace(absent)) {
				t.Errorf("%s: want %q in\n%s", line, part, text)
			}
		}
	}
}

func TestSet_TellsAllMistakes(t *testing.T) {
	was := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "http", Target: "http://h/"}}
	for line, want := range map[string][]string{
		"evry=5s":                        {"evry: there is no such field: did you mean every?"},
		"every=soon timeout=0.1ms up=99": {"every: want a number with a unit", `timeout: want 1ms to 1d, got "0.1ms"`, "verdict.up: want 1 to 20"},
		"expect.statsu=200":              {`options.expect.statsu: unknown field "statsu": did you mean status?`},
		"name=shop":                      {"name: results go by the name: netmon rename OLD NEW"},
		"target=":                        {"target: is missing"},
		"every.x=1":                      {"every: want a number with a unit"},
		"expect..status=1":               {"options.expect..status: has an empty part"},
		"agents=a,,b":                    {"agents."},
	} {
		_, err := Set(was, assignments(t, line), checks)
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", line, err, part)
			}
		}
	}
}

func TestParseAssignment_TellsNames(t *testing.T) {
	for text, want := range map[string]bool{"web": false, "web-": false, "=5s": false, "every=5s": true, "timeout-": true, "tags.team-": true, "x=": true, "web-1": false} {
		if _, ok := ParseAssignment(text); ok != want {
			t.Errorf("%q sets a field: %v, want %v", text, ok, want)
		}
	}
}

func assignments(t *testing.T, line string) (list []Assignment) {
	t.Helper()
	for word := range strings.FieldsSeq(line) {
		a, ok := ParseAssignment(word)
		if !ok {
			t.Fatalf("%q sets no field", word)
		}
		list = append(list, a)
	}
	return list
}

// TestRead_UnknownFieldsBesideOthers tells of the rest of a document, too.
func TestRead_UnknownFieldsBesideOthers(t *testing.T) {
	_, err := Parse("f.yaml", []byte("monitor: []\nmonitors:\n- {name: a, kind: tpc, target: \"h:1\"}\n- {name: b, kind: tcp, target: h, evry: 1s}\nchannels: 3\n"), checks)
	for _, want := range []string{
		`f.yaml:1: monitor: unknown field "monitor": did you mean monitors?`, `f.yaml:3: monitors[0].kind: unknown kind "tpc"`,
		`f.yaml:4: monitors[1].target: want host:port`, `f.yaml:4: monitors[1].evry: unknown field "evry": did you mean every?`, "f.yaml:5: channels: want ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
}

func TestWanted_AtBroker(t *testing.T) {
	all, err := Parse("f.yaml", []byte("monitors:\n- {name: a, kind: tcp, target: \"${broker}\"}\n"), checks)
	if err != nil {
		t.Fatal(err)
	}
	if got := all.At("192.0.2.1:4333").Monitors[0].Target; got != "192.0.2.1:4333" || all.Monitors[0].Target != console.BrokerTarget {
		t.Errorf("%q, then %q", got, all.Monitors[0].Target)
	}
}

// TestMistakes_QuoteWhatWasWritten: a duration is quoted as it stands in the file, and as
// it was typed for set.
func TestMistakes_QuoteWhatWasWritten(t *testing.T) {
	_, err := Parse("f.yaml", []byte("monitors:\n- {name: a, kind: tcp, target: \"h:1\", every: 25h, timeout: 90000s, options: {within: -90m}}\nrules:\n- {name: r, to: [x], wait: 9999h}\n"), checks)
	for _, want := range []string{`every: want 10ms to 1d, got "25h"`, `timeout: want 1ms to 1d, got "90000s"`, `within: want a positive duration, got "-90m"`, `wait: want 1s to 30d, got "9999h"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a file: want %s in %v", want, err)
		}
	}
	m := wire.Saved{Monitor: wire.Monitor{Name: "a", Kind: "tcp", Target: "h:1"}}
	for typed, want := range map[string]string{"every=25h": `every: want 10ms to 1d, got "25h"`, "within=-90m": `options.within: want a positive duration, got "-90m"`} {
		a, _ := ParseAssignment(typed)
		if _, err := Set(m, []Assignment{a}, checks); err == nil || err.Error() != want {
			t.Errorf("set %s: %v, want %s", typed, err, want)
		}
	}
}
