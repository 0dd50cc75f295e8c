//go:build unix

package exec

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

func TestRun_ExitCodes(t *testing.T) {
	for _, c := range []struct {
		name, body, options string
		outcome             wire.Outcome
		failure             wire.Failure
		says                string
	}{
		{"OK", `echo "DISK OK - 3 GB"`, "", wire.OK, "", ""},
		{"WARNING", `echo "DISK WARNING - 1 GB"; exit 1`, "", wire.Failed, wire.FailWarning, "DISK WARNING - 1 GB"},
		{"WARNING that is ok", `echo "DISK WARNING - 1 GB"; exit 1`, `{"expect":{"status":"warning"}}`, wire.OK, "", ""},
		{"CRITICAL", `echo "no space"; exit 2`, `{"expect":{"status":"warning"}}`, wire.Failed, wire.FailCritical, "CRITICAL: no space"},
		{"CRITICAL without a word", `exit 2`, "", wire.Failed, wire.FailCritical, "CRITICAL, without a text"},
		{"CRITICAL with an error", `echo oops >&2; exit 2`, "", wire.Failed, wire.FailCritical, "CRITICAL: oops"},
		{"UNKNOWN", `echo "DISK UNKNOWN: bad argument"; exit 3`, "", wire.Broken, wire.BrokenProgram, "DISK UNKNOWN: bad argument"},
		{"another code", `echo what; exit 77`, "", wire.Broken, wire.BrokenProgram, "exit code 77 is no verdict: what"},
		{"not found", `no_such_program_of_ours`, "", wire.Broken, wire.BrokenProgram, "exit code 127 is no verdict: something that it starts is not installed"},
		{"a signal", `kill -SEGV $$`, "", wire.Broken, wire.BrokenProgram, "the program was ended by signal SIGSEGV"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := measure(t, script(t, c.body), c.options)
			if r.Outcome != c.outcome || r.Failure != c.failure || !strings.Contains(r.Error, c.says) {
				t.Errorf("%s %s %q, want %s %s %q", r.Outcome, r.Failure, r.Error, c.outcome, c.failure, c.says)
			}
			if r.LatencyNS == nil || *r.LatencyNS <= 0 {
				t.Error("no latency")
			}
		})
	}
}

func TestRun_NotStarted(t *testing.T) {
	noInterpreter, noMode, noFormat := script(t, ""), script(t, ""), script(t, "")
	for path, text := range map[string]string{noInterpreter: "#!/no/such/shell\n", noMode: "#!/bin/sh\n", noFormat: "\x00\x01"} {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil { // #nosec G306 -- a program
			t.Fatal(err)
		}
	}
	if err := os.Chmod(noMode, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path    string
		failure wire.Failure
		says    string
	}{
		{"/no/such/program", wire.BrokenProgram, "start /no/such/program: no such file or directory: install it on the agent's host, or run the monitor on agents that have it"},
		{noInterpreter, wire.BrokenProgram, "its interpreter, in its first line, is not installed"},
		{noMode, wire.BrokenPermission, "permission denied: the agent's user must be allowed to execute it"},
		{noFormat, wire.BrokenProgram, "it is no program for this machine"},
		{t.TempDir(), wire.BrokenPermission, "permission denied"},
	} {
		r := measure(t, c.path, "")
		if r.Outcome != wire.Broken || r.Failure != c.failure || !strings.Contains(r.Error, c.says) || r.LatencyNS != nil {
			t.Errorf("%s: %s %s %q, want %s %q", c.path, r.Outcome, r.Failure, r.Error, c.failure, c.says)
		}
	}
}

// TestRun_ArgumentsAreNoShell: what a shell would act upon reaches the program as it is.
func TestRun_ArgumentsAreNoShell(t *testing.T) {
	path := script(t, `for a; do printf '<%s>' "$a"; done; echo`)
	r := measure(t, path, `{"args":["; touch /tmp/x","$(id)","`+"`id`"+`","a b","*","","-x","1,2","&&","|cat",">f"]}`)
	// The | begins the performance data.
	if got, want := detailsOf(t, r).Message, "<; touch /tmp/x><$(id)><`id`><a b><*><><-x><1,2><&&><"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRun_EnvironmentIsClean: a program gets nothing of this process but what is listed.
func TestRun_EnvironmentIsClean(t *testing.T) {
	t.Setenv("NETMON_CREDS", "key")
	t.Setenv("HOME", "/root")
	r := measure(t, "/usr/bin/env", `{"env":{"SNMP_COMMUNITY":"public","LANG":"de_DE"}}`)
	d := detailsOf(t, r)
	got := strings.Split(d.Message+"\n"+d.Text, "\n")
	slices.Sort(got)
	want := []string{"LANG=de_DE", "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_COMMUNITY=public"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRun_Stdin(t *testing.T) {
	path := script(t, `cat; echo " end"`)
	if got := detailsOf(t, measure(t, path, `{"stdin":"hello"}`)).Message; got != "hello end" {
		t.Errorf("%q", got)
	}
	if got := detailsOf(t, measure(t, path, "")).Message; got != "end" {
		t.Errorf("%q, and standard input is empty", got)
	}
	// One that reads nothing, or only a part, is not held up.
	if r := measure(t, script(t, `head -c 1 >/dev/null; echo ok`), `{"stdin":"`+strings.Repeat("x", maxStdin)+`"}`); r.Outcome != wire.OK {
		t.Errorf("%s %s", r.Outcome, r.Error)
	}
}

// TestRun_Secrets: a secret reaches the program, and comes back as stars, in whatever the
// program makes of it.
func TestRun_Secrets(t *testing.T) {
	t.Setenv("NETMON_SECRET_A", "s3cret!word")
	path := script(t, `read line; printf '%s %s \033[1ms3cret\033[0m!word\n' "$A" "$line"; echo "| '$A'=1;2;3 x=1"; echo "$A" >&2; exit 3`)
	r := measure(t, path, `{"env":{"A":"${env:NETMON_SECRET_A}"},"stdin":"x${env:NETMON_SECRET_A}x\n"}`)
	if text := fmt.Sprint(r.Error, r.Summary, string(r.Details)); strings.Contains(text, "s3cret") || !strings.Contains(text, "***** x*****x *****") {
		t.Error(text)
	}
	if r := measure(t, path, `{"env":{"A":"${env:NETMON_SECRET_NONE}"}}`); r.Failure != wire.BrokenSecret {
		t.Errorf("%s %s", r.Failure, r.Error)
	}
}

// alive says whether the process whose number a program wrote is there.
func alive(t *testing.T, file string) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(stat), ") Z ") {
		return false // nobody has taken it off the table
	}
	return syscall.Kill(pid, 0) == nil
}

// awaitDead waits until it is not: what is killed ends soon.
func awaitDead(t *testing.T, file string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); alive(t, file); {
		if time.Now().After(end) {
			t.Fatalf("the process of %s lives on", filepath.Base(file))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestRun_Timeout: a program that does not end is killed with all that it started, and
// nothing is known of the target.
func TestRun_Timeout(t *testing.T) {
	dir := t.TempDir()
	child := filepath.Join(dir, "child")
	path := script(t, fmt.Sprintf(`trap '' TERM INT HUP; echo begun; (trap '' TERM HUP; echo $$ >%s.sh; exec sh -c 'echo $$ >%s; exec sleep 1000') & wait`, child, child))
	begin := time.Now()
	r := measureIn(t, newEnv(t), 500*time.Millisecond, path, "")
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenProgram || !strings.Contains(r.Error, "did not end within the timeout, and was killed after") || !strings.Contains(r.Error, "begun") {
		t.Errorf("%s %s %q", r.Outcome, r.Failure, r.Error)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if d := detailsOf(t, r); d.Signal != "SIGKILL" || d.ExitCode != nil || d.Survivors {
		t.Errorf("%+v", d)
	}
	awaitDead(t, child)
}

// TestRun_Cancelled: an agent that stops kills what runs, and there is no result of it.
func TestRun_Cancelled(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	check := probetest.CheckOf(t, Kinds(), newEnv(t), "exec", script(t, `echo $$ >`+pid+`.new; mv `+pid+`.new `+pid+`; exec sleep 1000`), "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan wire.Result)
	go func() { done <- check.Run(ctx, time.Minute, nil) }()
	for {
		if _, err := os.Stat(pid); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if r := <-done; r.Outcome == wire.OK {
		t.Errorf("%s %s", r.Outcome, r.Error)
	}
	awaitDead(t, pid)
}

// TestRun_WhatIsLeftBehind: children that keep the output open do not hold the result up,
// and do not outlive it, as long as they are in the program's group.
func TestRun_WhatIsLeftBehind(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	r := measureIn(t, newEnv(t), 20*time.Second, script(t, `sh -c 'echo $$ >`+pid+`; exec sleep 1000' & while ! [ -s `+pid+` ]; do :; done; echo "all well"`), "")
	if r.Outcome != wire.OK || r.Summary != "all well" || time.Since(begin) > 10*time.Second {
		t.Errorf("%s %q %v", r.Outcome, r.Summary, time.Since(begin))
	}
	awaitDead(t, pid)
}

// TestRun_OutputFlood: a program that writes without end is ended early, and its output
// costs no memory.
func TestRun_OutputFlood(t *testing.T) {
	r := measureIn(t, newEnv(t), 30*time.Second, script(t, `echo first; exec yes`), "")
	if r.Failure != wire.BrokenProgram || !strings.Contains(r.Error, "wrote over 1048576 bytes and was killed: first") {
		t.Errorf("%s %q", r.Failure, r.Error)
	}
	if d := detailsOf(t, r); !d.OutputCut || len(d.Message)+len(d.Text) > maxMessage+maxText {
		t.Errorf("%+v", d)
	}
	r = measure(t, script(t, `head -c 200000 /dev/zero | tr '\0' x; echo " | a=1"`), "")
	if d := detailsOf(t, r); r.Outcome != wire.OK || !d.OutputCut || d.OutputBytes != 200007 || len(d.Message) > maxMessage || d.Perfdata != nil {
		t.Errorf("%s %s %+v", r.Outcome, r.Error, d)
	}
	r = measure(t, script(t, `exec >&-; echo gone 2>/dev/null; exit 2`), "")
	if r.Failure != wire.FailCritical {
		t.Errorf("with a closed output: %s %q", r.Failure, r.Error)
	}
}

// TestRun_Output: what a terminal or a page could take for an order is gone.
func TestRun_Output(t *testing.T) {
	r := measure(t, script(t, `printf '\n\033[31mred\033[0m \033]0;title\007a\rb\tc\0d \377 \342\200\256rtl\nline 2\r\n\033[2Jline 3 | x=1\ny=2'`), "")
	d := detailsOf(t, r)
	if d.Message != "red ab c d \uFFFD rtl" || d.Text != "line 2\nline 3" || len(d.Perfdata) != 2 {
		t.Errorf("%q %q %+v", d.Message, d.Text, d.Perfdata)
	}
}

func TestRun_ExpectPerfdata(t *testing.T) {
	path := script(t, `echo "OK | load1=7.2 free=12GB;;;0;100 x=U"`)
	if r := measure(t, path, `{"expect":{"perfdata":{"load1":"10","free":"10:"}}}`); r.Outcome != wire.OK {
		t.Errorf("%s %s", r.Outcome, r.Error)
	}
	r := measure(t, path, `{"expect":{"perfdata":{"load1":"0:5","x":"1","none":"1"}}}`)
	var got []string
	for _, u := range r.Unmet {
		got = append(got, u.Expect+" "+u.Want+" "+u.Got)
	}
	if want := "expect.perfdata.load1 0:5 7.2, expect.perfdata.none 1 no such value, expect.perfdata.x 1 unknown"; r.Failure != wire.FailMismatch || strings.Join(got, ", ") != want {
		t.Errorf("%s %q, want %q", r.Failure, strings.Join(got, ", "), want)
	}
}

// TestPool_Overload: programs beyond the bound wait in the order of coming; one that waits
// too long is not run, and says nothing of its target.
func TestPool_Overload(t *testing.T) {
	env := newEnvWith(t, &probes.Env{Programs: 1})
	dir := t.TempDir()
	release := filepath.Join(dir, "release")
	slow := script(t, `echo begun >`+dir+`/begun; while ! [ -e `+release+` ]; do sleep 0.01; done`)
	ran := filepath.Join(dir, "ran")
	var wg sync.WaitGroup
	wg.Go(func() {
		if r := probetest.CheckOf(t, Kinds(), env, "exec", slow, "").Run(t.Context(), time.Minute, nil); r.Outcome != wire.OK {
			t.Errorf("the first: %s", r.Error)
		}
	})
	for {
		if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	r := measureIn(t, env, time.Second, script(t, `touch `+ran), "")
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenLocal || !strings.Contains(r.Error, "1 others ran, which is the limit, and after") {
		t.Errorf("%s %s %q", r.Outcome, r.Failure, r.Error)
	}
	if d := detailsOf(t, r); d.WaitNS < int64(400*time.Millisecond) || r.LatencyNS != nil {
		t.Errorf("%+v", d)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it ran all the same")
	}
	wg.Go(func() {
		if r := probetest.CheckOf(t, Kinds(), env, "exec", "/bin/true", "").Run(t.Context(), time.Minute, nil); r.Outcome != wire.OK {
			t.Errorf("one that waited: %s", r.Error)
		}
	})
	if err := os.WriteFile(release, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func TestPatience(t *testing.T) {
	for _, c := range []struct{ left, last, want time.Duration }{
		{10 * time.Second, 0, 5 * time.Second},
		{10 * time.Second, time.Second, 5 * time.Second},
		{10 * time.Second, 6 * time.Second, 2500 * time.Millisecond},
		{10 * time.Second, 9 * time.Second, 0},
	} {
		if got := patience(c.left, c.last); got != c.want {
			t.Errorf("with %v left, after a run of %v: %v, want %v", c.left, c.last, got, c.want)
		}
	}
}

// TestRun_PolicyIsAskedEachTime: what is allowed is asked before each run, and what is
// started is what the owner names.
func TestRun_PolicyIsAskedEachTime(t *testing.T) {
	path, other := script(t, "echo one"), script(t, "echo other")
	allowed, answer := true, other
	env := newEnvWith(t, &probes.Env{Program: func(p probes.Program) (string, error) {
		if !allowed {
			return "", fmt.Errorf("no longer")
		}
		if p.Path != path || !slices.Equal(p.Env, []string{"A"}) || p.Secrets {
			t.Errorf("asked about %+v", p)
		}
		return answer, nil
	}})
	c := probetest.CheckOf(t, Kinds(), env, "exec", path, `{"env":{"A":"b"}}`)
	if r := c.Run(t.Context(), 10*time.Second, nil); r.Summary != "other" {
		t.Errorf("%s %s", r.Summary, r.Error)
	}
	allowed = false
	if r := c.Run(t.Context(), 10*time.Second, nil); r.Outcome != wire.Broken || r.Failure != wire.BrokenPolicy || r.Error != "no longer" {
		t.Errorf("%s %s %s", r.Outcome, r.Failure, r.Error)
	}
}

func TestRun_Golden(t *testing.T) {
	path := script(t, `cat <<'END'
DISK WARNING - free space: / 3326 MB (56%) | /=2643MB;2000;5948;0;5968 time=0.012s;1;2
/ 15272 MB (77%)
/boot 68 MB (69%) | '/boot used'=68%;@80:90;~:95;0;100 inodes=12 requests=34c broken
END
exit 1`)
	probetest.Golden(t, measure(t, path, ""), map[string]string{`"/[^"]*/check_it"`: `"/usr/lib/nagios/plugins/check_it"`})
}
