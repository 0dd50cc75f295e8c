package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netmon/internal/freeport"
)

// patience is how long a test waits for what should come at once; it is never
// what a test measures.
const patience = time.Minute

// netmon is the program under test, built once, with the race detector where
// NETMON_E2E_RACE=1 is set.
var netmon = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "netmon-e2e")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "netmon")
	args := []string{"build", "-trimpath", "-o", bin} // as the lab and the benchmarks build it: one cache
	env := append(os.Environ(), "CGO_ENABLED=0")
	if os.Getenv("NETMON_E2E_RACE") == "1" {
		args, env = append(args, "-race"), os.Environ()
	}
	cmd := exec.Command("go", append(args, "netmon/cmd/netmon")...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e: skipped by -short: real processes take minutes")
		return
	}
	if name := "test.parallel"; !given(name) { // real processes, which mostly wait, also where there are two cores
		flag.Set(name, "4")
	}
	os.Setenv("GORACE", "atexit_sleep_ms=20") // with the race detector, too, a process ends at once
	code := m.Run()
	if bin, err := netmon(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// given says whether a flag is on the command line.
func given(name string) (is bool) {
	flag.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}

// proc is one running process of ours. Its lines of output can be waited for.
type proc struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of Wait; read after done

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and recreated when a line came
}

// spawn starts netmon with these arguments; it is killed at the end of the test.
func spawn(t testing.TB, args ...string) *proc {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	return spawnProgram(t, bin, args...)
}

func spawnProgram(t testing.TB, bin string, args ...string) *proc {
	t.Helper()
	return spawnCommand(t, strings.Join(args, " "), exec.Command(bin, args...))
}

// spawnScript starts lines of a shell, in which netmon is the one under test, in a folder. All
// that it starts ends with it.
func spawnScript(t testing.TB, dir, script string) *proc {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + filepath.Dir(bin) + ":" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return spawnCommand(t, script, cmd)
}

func spawnCommand(t testing.TB, name string, cmd *exec.Cmd) *proc {
	t.Helper()
	p := &proc{t: t, name: name, cmd: cmd, done: make(chan struct{}), more: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir(), "NO_COLOR=1"), cmd.Env...)
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, s.Text())
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
		}
		out.Close()
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			tail := p.lines[max(0, len(p.lines)-6):]
			t.Logf("netmon %s said at the end:\n%s", p.name, strings.Join(tail, "\n"))
		}
	})
	return p
}

// line waits for a line that has all of the words, from the first line on.
func (p *proc) line(words ...string) string {
	p.t.Helper()
	return p.lineAfter(0, words...)
}

// lineAfter waits for such a line behind the first n lines.
func (p *proc) lineAfter(n int, words ...string) string {
	p.t.Helper()
	return p.lineWithin(patience, n, words...)
}

// lineWithin is lineAfter for what may take longer than patience.
func (p *proc) lineWithin(most time.Duration, n int, words ...string) string {
	p.t.Helper()
	limit := time.After(most)
	for {
		p.mu.Lock()
		for ; n < len(p.lines); n++ {
			if hasAll(p.lines[n], words) {
				defer p.mu.Unlock()
				return p.lines[n]
			}
		}
		more := p.more
		p.mu.Unlock()
		select {
		case <-more:
		case <-limit:
			p.t.Fatalf("netmon %s: no line with %q", p.name, words)
		case <-p.done:
			p.mu.Lock()
			rest := n < len(p.lines)
			p.mu.Unlock()
			if !rest {
				p.t.Fatalf("netmon %s ended (%v) without a line with %q", p.name, p.err, words)
			}
		}
	}
}

func hasAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// count is how many lines there are now.
func (p *proc) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines)
}

func (p *proc) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// kill ends the process as kill -9 does.
func (p *proc) kill() {
	p.cmd.Process.Signal(syscall.SIGCONT)
	p.cmd.Process.Kill()
	if a := p.cmd.SysProcAttr; a != nil && a.Setpgid {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	}
	<-p.done
}

// stop interrupts the process and returns how it ended and how long it took.
func (p *proc) stop() (code int, took time.Duration) {
	p.t.Helper()
	begin := time.Now()
	p.cmd.Process.Signal(os.Interrupt)
	return p.wait(), time.Since(begin)
}

// wait returns the exit code.
func (p *proc) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("netmon %s does not end", p.name)
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// netmonDo runs a command to its end and returns what it printed.
func netmonDo(t testing.TB, wantCode int, args ...string) string {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	return do(t, wantCode, bin, args...)
}

func do(t testing.TB, wantCode int, bin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "NO_COLOR=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != wantCode {
		t.Fatalf("%s %s exits %d, want %d:\n%s", filepath.Base(bin), strings.Join(args, " "), code, wantCode, out.String())
	}
	return out.String()
}

// apply saves n monitors that are all alike.
func apply(t testing.TB, url, dir, kind, target, every, options string, n int, more ...string) {
	t.Helper()
	var file bytes.Buffer
	file.WriteString("monitors:\n")
	for i := range n {
		fmt.Fprintf(&file, "- {name: m%05d, kind: %s, target: %q, every: %s, timeout: 2s, options: %s}\n", i, kind, target, every, options)
	}
	path := filepath.Join(dir, "load.yaml")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	netmonDo(t, 0, append([]string{"apply", "-f", path, "--broker", url}, more...)...)
}

// freeAddr is an address that stays the test's, for processes that are restarted on it.
func freeAddr(t testing.TB) string { return freeport.Addr(t) }

// listener is a TCP target that takes connections.
func listener(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
