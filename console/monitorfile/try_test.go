package monitorfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

func savedMonitors() []wire.Saved {
	one := func(name string, r *wire.Rule, parents ...string) wire.Saved {
		return wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(10 * time.Second), Timeout: wire.Duration(5 * time.Second), Revision: 7}, Agents: wire.Selectors{"all"}, Verdict: r, DependsOn: parents}
	}
	return []wire.Saved{one("gateway", nil), one("shop", &wire.Rule{Up: 3, Crosscheck: crosscheck(0)}, "gateway"), one("web", nil)}
}

func readRules(t *testing.T, texts ...string) ([]wire.Saved, error) {
	t.Helper()
	var paths []string
	for i, text := range texts {
		path := filepath.Join(t.TempDir(), string(rune('a'+i))+".yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	all, err := ReadRules(paths, nil, savedMonitors())
	return all.Monitors, err
}

func TestReadRules(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  map[string]string // of each monitor
	}{
		"defaults alone are for all, over what is saved": {
			[]string{"defaults: {verdict: {quorum: 2, crosscheck: 1}, depends_on: [gateway]}"},
			map[string]string{"gateway": "2,,0,1", "shop": "2,,3,1 gateway", "web": "2,,0,1 gateway"}},
		"a monitor without a kind says what is different": {
			[]string{"monitors:\n- {name: shop, verdict: {quorum: any}}\n"},
			map[string]string{"gateway": "", "shop": "any,,3,off gateway", "web": ""}},
		"and with no parents": {
			[]string{"monitors:\n- {name: shop, depends_on: []}\n"},
			map[string]string{"gateway": "", "shop": ",,3,off", "web": ""}},
		"one with a kind is as the file has it": {
			[]string{"defaults: {every: 10s, verdict: {down: 3/5}}\nmonitors:\n- {name: shop, kind: tcp, target: \"h:1\", agents: all}\n"},
			map[string]string{"gateway": "", "shop": ",3/5,0,", "web": ""}},
		"what stands by itself counts before the defaults for all": {
			[]string{"monitors: [{name: web, verdict: {up: 1}}]", "defaults: {verdict: {up: 9}}"},
			map[string]string{"gateway": ",,9,", "shop": ",,9,off gateway", "web": ",,1,"}},
	} {
		got, err := readRules(t, c.files...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, m := range got {
			if was := savedMonitors()[i]; m.Name != was.Name || m.Revision != was.Revision || m.Target != was.Target {
				t.Errorf("%s: %+v", name, m)
			}
			if text := ruleText(m); text != c.want[m.Name] {
				t.Errorf("%s: %s is %q, want %q", name, m.Name, text, c.want[m.Name])
			}
		}
	}
	if m := savedMonitors()[1]; ruleText(m) != ",,3,off gateway" {
		t.Error("what is saved was changed")
	}
}

func ruleText(m wire.Saved) string {
	if m.Verdict == nil {
		return strings.Join(append([]string{""}, m.DependsOn...), " ")
	}
	r := *m.Verdict
	parts := []string{r.Quorum.String(), "", string(rune('0' + r.Up)), ""}
	if r.Down != (wire.Strikes{}) {
		parts[1] = r.Down.String()
	}
	if r.Crosscheck != nil {
		data, _ := r.Crosscheck.MarshalJSON()
		parts[3] = strings.Trim(string(data), `"`)
	}
	return strings.Join(append([]string{strings.Join(parts, ",")}, m.DependsOn...), " ")
}

func TestReadRules_Mistakes(t *testing.T) {
	for text, want := range map[string][]string{
		"monitors:\n- {name: wbe, verdict: {up: 1}}": {`2: monitors[0].name: no monitor "wbe" is saved: rules are tried on those that are`},
		"monitors:\n- name: web\n  every: 30s\n  agents: [paris]\n  kind: udp\n": {
			`3: monitors[0].every: only verdict, depends_on and slo may differ from what is saved, which is "10s": got "30s"`,
			`4: monitors[0].agents: only verdict, depends_on and slo may differ from what is saved, which is "all": got ["paris"]`,
			`5: monitors[0].kind: only verdict, depends_on and slo may differ from what is saved, which is "tcp": got "udp"`},
		"defaults: {every: 1m}\nmonitors:\n- {name: web}\n":   {`3: monitors[0].every: only verdict, depends_on and slo may differ`},
		"monitors:\n- {name: web, verdict: {quorum: most}}\n": {`2: monitors[0].verdict.quorum: want majority`},
		"monitors:\n- {name: web, depends_on: [web]}\n":       {`2: monitors[0].depends_on[0]: "web" cannot depend on itself`},
		"monitors:\n- {name: web}\n- {name: web}\n":           {`3: monitors[1].name: "web" is given a second time, first at `},
		"defaults: {verdict: {up: 0}}\n":                      {`1: defaults.verdict.up: want more than 0`},
		"monitors:\n- web\n":                                  {`2: monitors[0]: want an object with a name`},
		"monitors:\n- {verdict: {up: 1}}\n":                   {`2: monitors[0].name: no monitor "" is saved`},
	} {
		_, err := readRules(t, text)
		if err == nil {
			t.Errorf("%s: no mistake", text)
			continue
		}
		lines := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(l string) bool { return !strings.Contains(l, "a.yaml:") })
		if len(lines) != len(want) {
			t.Errorf("%s\n%v\nwant %q", text, err, want)
			continue
		}
		for i := range want {
			if _, line, _ := strings.Cut(lines[i], "a.yaml:"); !strings.HasPrefix(line, want[i]) {
				t.Errorf("%s\n%s\nwant %s", text, line, want[i])
			}
		}
	}
}
