//go:build unix

package exec

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// launcherToTest is this system's, nil, or the plain one, see TestPlain.
func launcherToTest() launcher {
	if os.Getenv("NETMON_TEST_LAUNCHER") == "plain" {
		return plain{}
	}
	return nil
}

// TestPlain runs the tests of this system's launcher with that of macOS and the BSDs.
func TestPlain(t *testing.T) {
	if launcherToTest() != nil {
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^(TestRun_|TestPool_)", "-test.timeout=2m") // #nosec G204 G702 -- this test
	cmd.Env = append(os.Environ(), "NETMON_TEST_LAUNCHER=plain")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// slow starts programs when it is let go.
type slow struct {
	launcher
	asked, let chan struct{}
}

func (s slow) start(_ context.Context, cmd *exec.Cmd) (time.Time, error) {
	s.asked <- struct{}{}
	<-s.let
	return s.launcher.start(context.Background(), cmd)
}

// awaitFree waits until no place is taken.
func awaitFree(t *testing.T, p *pool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); len(p.places) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a place is taken for good")
		}
	}
}

// TestLate_Start: a program that the system starts when its run is over is killed, and
// keeps its place until then.
func TestLate_Start(t *testing.T) {
	s := slow{plain{}, make(chan struct{}, 1), make(chan struct{})}
	p := newPool(1, s)
	env := &probes.Env{}
	defer env.Close()
	if _, err := env.Shared("exec", func() (io.Closer, error) { return p, nil }); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	r := measureIn(t, env, 50*time.Millisecond, script(t, `sleep 1; touch `+ran+`; exec sleep 1000`), "")
	if r.Outcome != wire.Broken || r.Failure != wire.BrokenProgram || r.LatencyNS != nil || len(s.asked) != 1 || !strings.HasPrefix(r.Error, "the program was not started within the timeout") {
		t.Errorf("%s %s %q", r.Outcome, r.Failure, r.Error)
	}
	if len(p.places) != 1 {
		t.Error("its place was given to another")
	}
	close(s.let)
	awaitFree(t, p)
	if _, err := os.Stat(ran); err == nil {
		t.Error("it ran on")
	}
}

// TestLate_Policy: a check of the file that does not end holds up neither the result nor
// the runs of others.
func TestLate_Policy(t *testing.T) {
	let := make(chan struct{})
	hung, fine := script(t, "echo hung"), script(t, "echo fine")
	env := newEnvWith(t, &probes.Env{Programs: 2, Program: func(p probes.Program) (string, error) {
		if p.Path == hung {
			<-let
		}
		return p.Path, nil
	}})
	if r := measureIn(t, env, 50*time.Millisecond, hung, ""); r.Failure != wire.BrokenProgram {
		t.Errorf("%s %q", r.Failure, r.Error)
	}
	if r := measureIn(t, env, 10*time.Second, fine, ""); r.Outcome != wire.OK {
		t.Errorf("%s %q", r.Outcome, r.Error)
	}
	p, err := poolOf(env)
	if err != nil || len(p.places) != 1 {
		t.Errorf("%d places are taken, want 1", len(p.places))
	}
	// The next runs of it take no further places.
	if r := measureIn(t, env, 10*time.Second, hung, ""); r.Failure != wire.BrokenProgram || !strings.Contains(r.Error, "an earlier run of it waits") {
		t.Errorf("once more: %s %q", r.Failure, r.Error)
	}
	close(let)
	awaitFree(t, p)
	if r := measureIn(t, env, 10*time.Second, hung, ""); r.Outcome != wire.OK {
		t.Errorf("when it is checked: %s %q", r.Outcome, r.Error)
	}
}

// TestLate_Cancelled: an agent that stops has no result of what it did not start.
func TestLate_Cancelled(t *testing.T) {
	let := make(chan struct{})
	env := newEnvWith(t, &probes.Env{Program: func(p probes.Program) (string, error) { <-let; return p.Path, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := poolOf(env)
	if err != nil {
		t.Fatal(err)
	}
	_, merr := Probe{}.Measure(ctx, &probes.Run{Env: env, Target: "/bin/true"})
	if !errors.Is(merr, context.Canceled) {
		t.Errorf("%v", merr)
	}
	close(let)
	awaitFree(t, p)
}
