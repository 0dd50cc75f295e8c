package monitorfile

import (
	"slices"
	"strings"
	"testing"

	"netmon/wire"
)

func crosscheck(n int) *wire.Crosscheck {
	c := wire.Crosscheck(n)
	return &c
}

// TestVerdict_AsPeopleWriteIt reads each form, and the form that it is written back in.
func TestVerdict_AsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]wire.Rule{
		"quorum: majority":                 {Quorum: wire.Quorum{Kind: wire.QuorumMajority}},
		"quorum: any":                      {Quorum: wire.Quorum{Kind: wire.QuorumAny}},
		"quorum: \"all\"":                  {Quorum: wire.Quorum{Kind: wire.QuorumAll}},
		"quorum: 2":                        {Quorum: wire.Quorum{Kind: wire.QuorumNumber, N: 2}},
		"quorum: \"2\"":                    {Quorum: wire.Quorum{Kind: wire.QuorumNumber, N: 2}},
		"quorum: 60%":                      {Quorum: wire.Quorum{Kind: wire.QuorumPercent, N: 60}},
		"quorum: '60%'":                    {Quorum: wire.Quorum{Kind: wire.QuorumPercent, N: 60}},
		"quorum: {distinct: region, n: 2}": {Quorum: wire.Quorum{Kind: wire.QuorumDistinct, Label: "region", N: 2}},
		"quorum:\n      distinct: on\n      n: 3": {Quorum: wire.Quorum{Kind: wire.QuorumDistinct, Label: "on", N: 3}},
		"quorum: region:2":                        {Quorum: wire.Quorum{Kind: wire.QuorumDistinct, Label: "region", N: 2}},
		"down: 2/3":                               {Down: wire.Strikes{Bad: 2, Of: 3}},
		"down: \"3/5\"":                           {Down: wire.Strikes{Bad: 3, Of: 5}},
		"up: 3":                                   {Up: 3},
		"crosscheck: 3":                           {Crosscheck: crosscheck(3)},
		"crosscheck: off":                         {Crosscheck: crosscheck(0)},
		"crosscheck: \"off\"":                     {Crosscheck: crosscheck(0)},
		"crosscheck: false":                       {Crosscheck: crosscheck(0)},
	} {
		file := "monitors:\n- name: web\n  kind: tcp\n  target: h:1\n  verdict:\n    " + text + "\n"
		for range 2 { // as it was written, and as we write it
			all, err := Parse("f.yaml", []byte(file), checks)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				break
			}
			got := all.Monitors[0].Verdict
			if got == nil || (got.Crosscheck == nil) != (want.Crosscheck == nil) || got.WithDefaults().Quorum != want.WithDefaults().Quorum ||
				got.Down != want.Down || got.Up != want.Up || got.Crosscheck != nil && *got.Crosscheck != *want.Crosscheck {
				t.Errorf("%s: %+v, want %+v", file, got, want)
			}
			var b strings.Builder
			if err := Write(&b, all, ""); err != nil {
				t.Fatal(err)
			}
			file = b.String()
		}
	}
}

// TestRules_AreWrittenBack: a file of all fields is what it was.
func TestRules_AreWrittenBack(t *testing.T) {
	const file = `monitors:
- name: web
  kind: tcp
  target: h:1
  verdict:
    quorum:
      distinct: region
      "n": 2
    down: 3/5
    up: 1
    crosscheck: "off"
  depends_on:
  - gateway
  - isp
`
	all, err := Parse("f.yaml", []byte(file), checks)
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
}

func TestDefaults(t *testing.T) {
	all, err := Parse("f.yaml", []byte(`defaults:
  every: 30s
  timeout: 2s
  agents: [region=eu]
  except: [paris]
  verdict: {quorum: 2, down: 3/5, crosscheck: off}
  depends_on: [gateway]
monitors:
- {name: gateway, kind: tcp, target: "h:1"}
- {name: web, kind: tcp, target: "h:2"}
- {name: own, kind: tcp, target: "h:3", every: 10s, timeout: 1s, agents: all, except: [], verdict: {quorum: any, crosscheck: 2}, depends_on: []}
- {name: two, kind: tcp, target: "h:4", depends_on: [web, gateway]}
---
monitors:
- {name: other, kind: tcp, target: "h:5"}
`), checks)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, all, ""); err != nil {
		t.Fatal(err)
	}
	usual := `  every: 30s
  timeout: 2s
  agents:
  - region=eu
  except:
  - paris
  verdict:
    quorum: 2
    down: 3/5
    crosscheck: "off"
`
	want := "monitors:\n" +
		"- name: gateway\n  kind: tcp\n  target: h:1\n" + usual +
		"- name: web\n  kind: tcp\n  target: h:2\n" + usual + "  depends_on:\n  - gateway\n" +
		"- name: own\n  kind: tcp\n  target: h:3\n  every: 10s\n  timeout: 1s\n  agents: all\n  verdict:\n    quorum: any\n    down: 3/5\n    crosscheck: 2\n" +
		"- name: two\n  kind: tcp\n  target: h:4\n" + usual + "  depends_on:\n  - web\n  - gateway\n" +
		"- name: other\n  kind: tcp\n  target: h:5\n"
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}

// TestRules_Mistakes: each is reported at its line, in its field.
func TestRules_Mistakes(t *testing.T) {
	web := "monitors:\n- name: web\n  kind: tcp\n  target: h:1\n"
	for text, want := range map[string][]string{
		web + "  verdict: {quorum: most}":                  {`f.yaml:5: monitors[0].verdict.quorum: want majority, any, all, a number such as 2, a percentage such as 60%, or {distinct: LABEL, n: NUMBER}, got "most"`},
		web + "  verdict:\n    quorum: 0":                  {`f.yaml:6: monitors[0].verdict.quorum: want at least 1 agent, got 0`},
		web + "  verdict:\n    quorum: 101%":               {`f.yaml:6: monitors[0].verdict.quorum: want 1% to 100%, got 101%`},
		web + "  verdict:\n    quorum: {distinct: region}": {`f.yaml:6: monitors[0].verdict.quorum: n: want at least 1 value of region, got 0`},
		web + "  verdict:\n    down: 3/2":                  {`f.yaml:6: monitors[0].verdict.down: want BAD/RUNS such as 2/3, of at most 20 runs, got "3/2"`},
		web + "  verdict:\n    down: 2":                    {`f.yaml:6: monitors[0].verdict.down: want BAD/RUNS such as 2/3, of at most 20 runs, got 2`},
		web + "  verdict:\n    up: 0":                      {`f.yaml:6: monitors[0].verdict.up: want more than 0, got 0: leave it out for the default`},
		web + "  verdict:\n    up: -1\n    crosscheck: 21": {`f.yaml:6: monitors[0].verdict.up: want 1 to 20 good runs in a row, got -1`, `f.yaml:7: monitors[0].verdict.crosscheck: want off or 1 to 20 agents, got 21`},
		web + "  verdict:\n    crosscheck: on":             {`f.yaml:6: monitors[0].verdict.crosscheck: want off or 1 to 20 agents, got`},
		web + "  verdict:\n    slow: 1":                    {`f.yaml:6: monitors[0].verdict.slow: unknown field "slow": one of crosscheck, down, quorum, up`},
		web + "  verdict: 2":                               {`f.yaml:5: monitors[0].verdict: want an object, got 2`},
		web + "  depends_on: gateway":                      {`f.yaml:5: monitors[0].depends_on: want a list, got "gateway"`},
		web + "  depends_on: [a, web, a]":                  {`f.yaml:5: monitors[0].depends_on[1]: "web" cannot depend on itself`, `f.yaml:5: monitors[0].depends_on[2]: "a" is listed twice`},
		web + "  depends_on: [\"a b\"]":                    {`f.yaml:5: monitors[0].depends_on[0]: "a b" has a character that is not one of`},
		"defaults:\n  every: 1ms\n  verdict: {up: 99}\n  kind: tcp\n" + web: {
			`f.yaml:2: defaults.every: want 10ms to 1d, got "1ms"`, `f.yaml:3: defaults.verdict.up: want 1 to 20 good runs in a row, got 99`, `f.yaml:4: defaults.kind: unknown field "kind": one of agents, depends_on, every, except, slo, tags, timeout, verdict`},
		"defaults: {every: 1s}\n": {`f.yaml:1: defaults: are for the monitors of the same document, and it has none`},
		"monitors:\n- {name: a, kind: tcp, target: \"h:1\", depends_on: [b]}\n- {name: b, kind: tcp, target: \"h:1\", depends_on: [elsewhere, c]}\n- {name: c, kind: tcp, target: \"h:1\", depends_on: [a]}\n": {
			`f.yaml:4: monitors[2].depends_on[0]: a -> b -> c -> a is a cycle`},
	} {
		_, err := Parse("f.yaml", []byte(text), checks)
		if err == nil {
			t.Errorf("%s: no mistake", text)
			continue
		}
		lines := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(l string) bool { return !strings.HasPrefix(l, "f.yaml:") })
		if len(lines) != len(want) {
			t.Errorf("%s\n%v\nwant %q", text, err, want)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(lines[i], want[i]) {
				t.Errorf("%s\n%s\nwant %s", text, lines[i], want[i])
			}
		}
	}
}
