package exec

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// byThread skips what it is for Linux's launcher to see to.
func byThread(t *testing.T) {
	t.Helper()
	if launcherToTest() != nil {
		t.Skip("not by this launcher")
	}
}

// TestRun_NoNewPrivileges: a program gets no rights by its file.
func TestRun_NoNewPrivileges(t *testing.T) {
	byThread(t)
	d := detailsOf(t, measure(t, "/usr/bin/grep", `{"args":["NoNewPrivs","/proc/self/status"]}`))
	if strings.Join(strings.Fields(d.Message), " ") != "NoNewPrivs: 1" {
		t.Errorf("%q", d.Message)
	}
	need.Root(t)
	// A copy of id that is setuid for another user, run by one that is neither.
	path := filepath.Join(t.TempDir(), "id")
	data, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if d := detailsOf(t, measure(t, path, `{"args":["-u"]}`)); d.Message != "0" {
		t.Errorf("the setuid bit made it user %s", d.Message)
	}
}

// TestRun_NoFilesAreHandedOver: a program has its three standard files, and no other of ours.
func TestRun_NoFilesAreHandedOver(t *testing.T) {
	byThread(t)
	inherited, err := syscall.Dup(1) // as one that this process got from its parent
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	d := detailsOf(t, measure(t, "/bin/ls", `{"args":["/proc/self/fd"]}`))
	if got := strings.Fields(d.Message + " " + d.Text); strings.Join(got, " ") != "0 1 2 3" { // 3 is the folder that it lists
		t.Errorf("%q", got)
	}
}

// TestRun_Daemon: one that makes a session of its own is out of reach. It does not hold up
// the result, which says that it is there.
func TestRun_Daemon(t *testing.T) {
	need.Tool(t, "setsid", "util-linux")
	pid := filepath.Join(t.TempDir(), "pid")
	begin := time.Now()
	r := measureIn(t, newEnv(t), 30*time.Second, script(t, `setsid sh -c 'echo $$ >`+pid+`; exec sleep 1000' & while ! [ -s `+pid+` ]; do :; done; echo "all well"`), "")
	if d := detailsOf(t, r); r.Outcome != wire.OK || !d.Survivors || time.Since(begin) > 15*time.Second {
		t.Errorf("%s %s %+v", r.Outcome, r.Error, d)
	}
	data, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	if err := syscall.Kill(id, syscall.SIGKILL); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// TestRun_ForkBomb: as many children as it can start in its time, all of them killed.
func TestRun_ForkBomb(t *testing.T) {
	dir := t.TempDir()
	path := script(t, `i=0; while [ $i -lt 300 ]; do (trap '' TERM; exec sleep 1000) & i=$((i+1)); done; echo $$ >`+dir+`/leader; wait`)
	if r := measureIn(t, newEnv(t), 3*time.Second, path, ""); r.Failure != wire.BrokenProgram {
		t.Errorf("%s %s", r.Failure, r.Error)
	}
	data, err := os.ReadFile(filepath.Join(dir, "leader"))
	if err != nil {
		t.Skip("the machine is too slow for 300 processes in 3 s")
	}
	leader, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	for end := time.Now().Add(20 * time.Second); syscall.Kill(-leader, 0) == nil && inGroup(t, leader) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d processes of the group live on", inGroup(t, leader))
		}
	}
}

// inGroup counts the living processes of a group.
func inGroup(t *testing.T, group int) (n int) {
	t.Helper()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
		if fields[0] != "Z" && fields[2] == strconv.Itoa(group) {
			n++
		}
	}
	return n
}

// TestRun_EndsWithTheAgent: when the agent is killed, the kernel ends what it started.
func TestRun_EndsWithTheAgent(t *testing.T) {
	byThread(t)
	if os.Getenv("NETMON_TEST_AGENT") == "1" {
		probetest.CheckOf(t, Kinds(), &probes.Env{}, "exec", os.Getenv("NETMON_TEST_PROGRAM"), "").Run(t.Context(), time.Minute, nil)
		return
	}
	pid := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command(os.Args[0], "-test.run=^TestRun_EndsWithTheAgent$") // #nosec G702 -- this test
	cmd.Env = append(os.Environ(), "NETMON_TEST_AGENT=1", "NETMON_TEST_PROGRAM="+script(t, `echo $$ >`+pid+`.new; mv `+pid+`.new `+pid+`; exec sleep 1000`))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(pid); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not run")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	awaitDead(t, pid)
}

// TestRun_LeaksNothing: neither files nor processes stay, whatever programs do.
func TestRun_LeaksNothing(t *testing.T) {
	env := newEnv(t)
	bodies := []string{`echo ok`, `sleep 1000 & echo ok`, `exec yes`, `kill -9 $$`, `exec >&- 2>&-; exit 1`, `exec sleep 1000`}
	var paths []string
	for _, b := range bodies {
		paths = append(paths, script(t, b))
	}
	paths = append(paths, "/no/such/program")
	round := func() {
		for _, path := range paths {
			measureIn(t, env, 100*time.Millisecond, path, "")
		}
	}
	round()
	before := probetest.OpenFiles(t)
	for range 5 {
		round()
	}
	if after := probetest.OpenFiles(t); after > before {
		t.Errorf("%d open files, before %d", after, before)
	}
	if shared, err := poolOf(env); err != nil || len(shared.places) != 0 {
		t.Errorf("places are taken: %v", err)
	}
}

// BenchmarkRun is one run after the other of a program that does nothing.
func BenchmarkRun(b *testing.B) {
	env := &probes.Env{}
	defer env.Close()
	c, err := Kinds().New(env, "exec", "/bin/true", nil)
	if err != nil {
		b.Fatal(err)
	}
	begin := cpuTime(b)
	for b.Loop() {
		if r := c.Run(b.Context(), 10*time.Second, nil); r.Outcome != wire.OK {
			b.Fatal(r.Error)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-begin)/float64(b.N), "cpu-ns/op")
}

// BenchmarkBare is the same without us: fork, exec and wait.
func BenchmarkBare(b *testing.B) {
	begin := cpuTime(b)
	for b.Loop() {
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-begin)/float64(b.N), "cpu-ns/op")
}

// BenchmarkParallel is as many at once as may run.
func BenchmarkParallel(b *testing.B) {
	env := &probes.Env{}
	defer env.Close()
	b.SetParallelism(probes.DefaultPrograms)
	b.RunParallel(func(pb *testing.PB) {
		c, err := Kinds().New(env, "exec", "/bin/true", nil)
		if err != nil {
			b.Error(err)
			return
		}
		for pb.Next() {
			if r := c.Run(b.Context(), time.Minute, nil); r.Outcome != wire.OK {
				b.Error(r.Error)
				return
			}
		}
	})
}

// BenchmarkOutput reads the output of a plugin with many values.
func BenchmarkOutput(b *testing.B) {
	text := "OK - all well |" + strings.Repeat(" 'a label'=12.5ms;10;20;0;100", 100)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_, _, perfdata := split(clean(text, true))
		if values, _ := parsePerfdata(perfdata); len(values) != maxPerfdata {
			b.Fatal(len(values))
		}
	}
}

// cpuTime is what this process and its children have used, ns.
func cpuTime(b *testing.B) (sum int64) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += u.Utime.Nano() + u.Stime.Nano()
	}
	return sum
}
