//go:build unix

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netmon/wire"
)

// plugin writes a program.
func plugin(t *testing.T, path, body string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { // #nosec G301 -- as such folders are
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	return path
}

// TestPolicy_ProgramsAreOff: without a word of its owner an agent runs no program, says
// so in its heartbeat, and says in each refusal what to write.
func TestPolicy_ProgramsAreOff(t *testing.T) {
	_, nc := liveWithPolicy(t, `{}`)
	ran := filepath.Join(t.TempDir(), "ran")
	program := plugin(t, filepath.Join(t.TempDir(), "check_it"), "touch "+ran)
	for _, command := range []string{
		probeCommand("exec", program, `{}`),
		fmt.Sprintf(`{"op":"start","monitors":[{"name":"m","kind":"exec","target":%q}]}`, program),
		fmt.Sprintf(`{"op":"start","store":"s","revision":3,"monitors":[{"name":"saved","kind":"exec","target":%q,"revision":3}]}`, program),
	} {
		r := ask(t, nc, "paris", command)
		if r.OK || r.Error == nil || r.Error.Code != wire.CodePolicy || !strings.Contains(r.Error.Message, "write exec: {folders: ["+filepath.Dir(program)+"]} into the agent's policy file on the agent's host, and restart the agent") {
			t.Errorf("%s: %+v", command, r.Error)
		}
	}
	info := ask(t, nc, "paris", `{"op":"info"}`).Info
	if !strings.Contains(info.Disabled["exec"], "this agent runs no programs") || info.Cannot["exec"] != "" || strings.Contains(strings.Join(info.Kinds, " "), "exec") || !strings.Contains(info.Refused["saved"], "runs no programs") {
		t.Errorf("disabled %v, cannot %v, kinds %v, refused %v", info.Disabled, info.Cannot, info.Kinds, info.Refused)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it ran")
	}
}

// TestPolicy_Programs: whoever commands the agent runs what is listed, and nothing else.
func TestPolicy_Programs(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(base, "ran")
	folder := filepath.Join(base, "plugins")
	good := plugin(t, filepath.Join(folder, "check_good"), `echo "all is $1"`)
	plugin(t, filepath.Join(folder, "other"), "touch "+ran)
	plugin(t, filepath.Join(base, "outside", "check_out"), "touch "+ran)
	if err := os.Symlink(filepath.Join(base, "outside", "check_out"), filepath.Join(folder, "check_link")); err != nil {
		t.Fatal(err)
	}
	open := plugin(t, filepath.Join(folder, "check_open"), "touch "+ran)
	if err := os.Chmod(open, 0o777); err != nil { // #nosec G302 -- what is to be refused
		t.Fatal(err)
	}
	_, nc := liveWithPolicy(t, fmt.Sprintf(`{"exec":{"folders":[%q],"programs":["check_*"]}}`, folder))
	r := ask(t, nc, "paris", probeCommand("exec", good, `{"args":["well; touch `+ran+`"]}`))
	if !r.OK || r.Result == nil || r.Result.Outcome != wire.OK || r.Result.Summary != "all is well; touch "+ran {
		t.Errorf("%+v %+v", r.Error, r.Result)
	}
	for name, c := range map[string]struct{ target, options, refused, broken string }{
		"another folder":            {"/bin/touch", `{"args":["` + ran + `"]}`, "exec.folders does not have its folder", ""},
		"another name":              {filepath.Join(folder, "other"), `{}`, `exec.programs does not have "other"`, ""},
		"a way up":                  {folder + "/../outside/check_out", `{}`, "want a path without . and ..", ""},
		"a relative path":           {"plugins/check_good", `{}`, "want the absolute path of a program", ""},
		"a variable":                {good, `{"env":{"LD_PRELOAD":"/tmp/x.so"}}`, `exec.env does not have "LD_PRELOAD"`, ""},
		"a secret":                  {good, `{"stdin":"${file:/etc/netmon/secrets/x}"}`, "exec.secrets is off", ""},
		"a link that leads out":     {filepath.Join(folder, "check_link"), `{}`, "", "a link that leads out of these folders"},
		"a file that all may write": {open, `{}`, "", "everybody may write it"},
		"one that is not there":     {filepath.Join(folder, "check_none"), `{}`, "", "no such file or directory: install it"},
	} {
		r := ask(t, nc, "paris", probeCommand("exec", c.target, c.options))
		switch {
		case c.refused != "":
			if r.OK || r.Error == nil || !strings.Contains(r.Error.Message, c.refused) {
				t.Errorf("%s: %+v %+v", name, r.Error, r.Result)
			}
		case r.Result == nil || r.Result.Outcome != wire.Broken || !strings.Contains(r.Result.Error, c.broken):
			t.Errorf("%s: %+v %+v", name, r.Error, r.Result)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("something ran that may not")
	}
}

// TestAgent_EndsProgramsWithItself: an agent that stops leaves no program behind.
func TestAgent_EndsProgramsWithItself(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pid := filepath.Join(base, "pid")
	program := plugin(t, filepath.Join(base, "plugins", "check_slow"), fmt.Sprintf("trap '' TERM; echo $$ >%s.new; mv %s.new %s; sleep 1000; sleep 1000", pid, pid, pid))
	l, nc := liveWithPolicy(t, fmt.Sprintf(`{"exec":{"folders":[%q]}}`, filepath.Dir(program)))
	if r := ask(t, nc, "paris", fmt.Sprintf(`{"op":"start","monitors":[{"name":"m","kind":"exec","target":%q,"every":"100s","timeout":"90s"}]}`, program)); !r.OK {
		t.Fatal(r.Error)
	}
	ask(t, nc, "paris", `{"op":"run","asked":"NOW","names":["m"]}`)
	var data []byte
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if data, err = os.ReadFile(pid); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not run")
		}
	}
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Error(err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(id, 0); err == nil { // its leader: what it started is init's to take off the table
		t.Errorf("the process %d is there", id)
	}
}
