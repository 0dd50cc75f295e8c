package exec

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/internal/need"
	"netmon/wire"
)

// hang makes every attempt to open a file wait, as on a file server that does not answer,
// until answer is called. The first attempt is sent to asked. It is a lease (fcntl(2)), which
// the kernel takes back after /proc/sys/fs/lease-break-time, 45 s.
func hang(t *testing.T, path string) (asked <-chan os.Signal, answer func()) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGIO)
	t.Cleanup(func() { signal.Stop(signals) })
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		need.Missing(t, "leases on files: %v", err)
	}
	return signals, func() {
		if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
			t.Error(err)
		}
	}
}

// TestLate_FileServer: a program whose file cannot be read holds up nobody but itself.
func TestLate_FileServer(t *testing.T) {
	env := newEnv(t)
	ran := filepath.Join(t.TempDir(), "ran")
	path, other := script(t, "touch "+ran), script(t, "echo fine")
	_, answer := hang(t, path)
	r := measureIn(t, env, 100*time.Millisecond, path, "")
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenProgram || !strings.Contains(r.Error, "was not started within the timeout: the filesystem") {
		t.Errorf("%s %s %q", r.Outcome, r.Failure, r.Error)
	}
	if r := measureIn(t, env, 10*time.Second, other, ""); r.Outcome != wire.OK {
		t.Errorf("another: %s %q", r.Outcome, r.Error)
	}
	p, err := poolOf(env)
	if err != nil || len(p.places) != 1 {
		t.Errorf("%d places are taken, want 1: %v", len(p.places), err)
	}
	answer()
	awaitFree(t, p)
	if _, err := os.Stat(ran); err == nil {
		t.Error("it ran when its run was over")
	}
	if r := measureIn(t, env, 10*time.Second, path, ""); r.Outcome != wire.OK {
		t.Errorf("when the server answers: %s %q", r.Outcome, r.Error)
	}
}

// TestAwait_Interpreter: a script waits for the file that runs it, too.
func TestAwait_Interpreter(t *testing.T) {
	shell, path := script(t, ""), script(t, "")
	if err := os.WriteFile(path, []byte("#! "+shell+" -x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked, answer := hang(t, shell)
	done := make(chan struct{})
	go func() { await(path); close(done) }()
	select {
	case <-done:
		t.Error("it did not wait")
	case <-asked:
	}
	answer()
	<-done
}

// TestThread_Busy: who waits for the thread waits no longer than its ctx, and is not started
// afterwards; Close waits for nobody.
func TestThread_Busy(t *testing.T) {
	l := newThread()
	busy, let := make(chan struct{}), make(chan struct{})
	go func() { l.starts <- func() { close(busy); <-let } }()
	<-busy
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := filepath.Join(t.TempDir(), "ran")
	if _, err := l.start(ctx, exec.Command(script(t, "touch "+ran))); !errors.Is(err, context.Canceled) { // #nosec G204 -- this test
		t.Errorf("%v", err)
	}
	l.Close()
	if _, err := l.start(t.Context(), exec.Command(script(t, "touch "+ran))); !errors.Is(err, os.ErrClosed) { // #nosec G204 -- this test
		t.Errorf("after Close: %v", err)
	}
	close(let)
	<-l.ended
	if _, err := os.Stat(ran); err == nil {
		t.Error("it was started")
	}
}

// TestRun_AgentIsNotReadable: a program of the same user reads neither the environment nor
// the memory of the process that starts it.
func TestRun_AgentIsNotReadable(t *testing.T) {
	byThread(t)
	// Root's programs are root's: here one without its rights over others.
	become := ""
	if os.Getuid() == 0 {
		become = need.Tool(t, "setpriv", "util-linux") + " --bounding-set=-all --inh-caps=-all "
	}
	for _, file := range []string{"environ", "mem", "maps"} {
		r := measure(t, script(t, `exec `+become+`head -c 1 /proc/$PPID/`+file+` 2>&1`), "")
		if d := detailsOf(t, r); !strings.Contains(strings.ToLower(d.Message), "permission denied") {
			t.Errorf("%s: %s %+v", file, r.Error, d)
		}
	}
}
