package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/need"
	"netmon/wire"
)

// plugins is where Debian has the monitoring-plugins.
const plugins = "/usr/lib/nagios/plugins/"

// TestPlugins has an agent run Debian's monitoring-plugins under a policy. What a console
// sees is what the plugins say when they are run by hand.
func TestPlugins(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"check_disk", "check_dummy", "check_ftp", "check_load", "check_procs"} {
		need.Tool(t, plugins+name, "monitoring-plugins-basic")
	}
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	write(t, policy, "exec:\n  folders: ["+strings.TrimSuffix(plugins, "/")+"]\n  programs: [check_*]\n")
	m := &mesh{t: t, dir: dir, addr: freeAddr(t), agents: map[string]*proc{}}
	m.url = "nats://" + m.addr
	m.startBroker()
	m.agents["paris"] = spawn(t, "agent", "--broker", m.url, "--id", "paris", "--policy", policy, "--state", filepath.Join(dir, "paris"))
	m.agents["paris"].line("agent", "paris", "connected to", m.url)
	m.startAgent("tokyo")
	closed := strings.TrimPrefix(freeAddr(t), "127.0.0.1:")

	var file strings.Builder
	file.WriteString("defaults: {every: 1s, agents: [paris]}\nmonitors:\n")
	cases := []struct {
		name, program string
		args          []string
		outcome       wire.Outcome
		failure       wire.Failure
		perfdata      string // the label of a value that is there
	}{
		{"load", "check_load", []string{"-w", "9999,9999,9999", "-c", "9999,9999,9999"}, wire.OK, "", "load1"},
		{"procs", "check_procs", []string{"-w", "1:100000"}, wire.OK, "", "procs"},
		{"disk", "check_disk", []string{"-w", "1", "-c", "0", "-p", "/"}, wire.OK, "", "/"},
		{"full", "check_disk", []string{"-w", "0%", "-c", "101%", "-p", "/"}, wire.Failed, wire.FailCritical, "/"},
		{"dummy-ok", "check_dummy", []string{"0", "all well"}, wire.OK, "", ""},
		{"dummy-warning", "check_dummy", []string{"1", "so so"}, wire.Failed, wire.FailWarning, ""},
		{"dummy-critical", "check_dummy", []string{"2", "; touch /tmp/netmon-never"}, wire.Failed, wire.FailCritical, ""},
		{"dummy-unknown", "check_dummy", []string{"3", "who knows"}, wire.Broken, wire.BrokenProgram, ""},
		{"usage", "check_disk", nil, wire.Broken, wire.BrokenProgram, ""},
		{"ftp", "check_ftp", []string{"-H", "127.0.0.1", "-p", closed}, wire.Failed, wire.FailCritical, ""}, // a link: check_tcp goes by its name
	}
	for _, c := range cases {
		args, err := json.Marshal(c.args)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&file, "  - {name: %s, kind: exec, target: %s, options: {args: %s}}\n", c.name, plugins+c.program, args)
	}
	monitors := filepath.Join(dir, "monitors.yaml")
	write(t, monitors, file.String())
	m.do(0, "apply", "-f", monitors)
	watch := spawn(t, "watch", "--broker", m.url, "-o", "ndjson", "--since", "1h")
	for _, c := range cases {
		var r wire.Result
		if err := json.Unmarshal([]byte(watch.line(`"agent":"paris","monitor":"`+c.name+`"`)), &r); err != nil {
			t.Fatal(err)
		}
		if r.Outcome != c.outcome || r.Failure != c.failure || r.LatencyNS == nil {
			t.Errorf("%s: %s %s %q, want %s %s", c.name, r.Outcome, r.Failure, r.Error, c.outcome, c.failure)
		}
		var d struct {
			ExitCode int `json:"exit_code"`
			Message  string
			Perfdata []struct{ Label string }
		}
		if err := json.Unmarshal(r.Details, &d); err != nil {
			t.Fatal(err)
		}
		byHand := exec.Command(plugins+c.program, c.args...) // #nosec G204 -- of the test's own
		byHand.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
		out, _ := byHand.Output()
		if code := byHand.ProcessState.ExitCode(); code != d.ExitCode {
			t.Errorf("%s: exit code %d, by hand %d", c.name, d.ExitCode, code)
		}
		message, _, _ := strings.Cut(strings.TrimSpace(string(out)), "|")
		message, _, _ = strings.Cut(message, "\n")
		if strings.HasPrefix(c.name, "dummy") || c.name == "ftp" { // those of the others differ from run to run
			if d.Message != strings.TrimSpace(message) {
				t.Errorf("%s: %q, by hand %q", c.name, d.Message, message)
			}
		}
		if has := len(d.Perfdata) > 0 && d.Perfdata[0].Label == c.perfdata; has != (c.perfdata != "") {
			t.Errorf("%s: performance data %+v", c.name, d.Perfdata)
		}
	}
	if _, err := os.Stat("/tmp/netmon-never"); err == nil {
		t.Error("an argument reached a shell")
	}

	if out := m.do(0, "get", "agents", "-o", "wide"); !strings.Contains(out, "programs of 1 folder") || !strings.Contains(out, "; off: exec") {
		t.Errorf("get agents:\n%s", out)
	}
	if out := m.do(1, "probe", "exec", plugins+"check_dummy", "--args", "0", "--from", "tokyo"); !strings.Contains(out, "write exec: {folders: [/usr/lib/nagios/plugins]} into") {
		t.Errorf("an agent without a policy:\n%s", out)
	}
	if out := m.do(1, "probe", "exec", "/bin/sh", "--args", "-c", "--args", "id", "--from", "paris"); !strings.Contains(out, "exec.folders does not have its folder") {
		t.Errorf("a program of another folder:\n%s", out)
	}
}
