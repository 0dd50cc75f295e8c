package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"netmon/internal/natstest"
)

// following is a netmon that goes on, and is interrupted as by Ctrl-C.
type following struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   io.Reader
	lines *bufio.Scanner
}

func follow(t *testing.T, args ...string) *following {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted there")
	}
	cmd := exec.CommandContext(t.Context(), "netmon", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &following{t, cmd, out, bufio.NewScanner(out)}
}

func (f *following) stop() { f.cmd.Process.Signal(os.Interrupt) }

// line is the next line, which has to have these words in it.
func (f *following) line(words ...string) {
	f.t.Helper()
	if !f.lines.Scan() {
		f.t.Fatalf("it ended before %q", words)
	}
	for _, w := range words {
		if !strings.Contains(f.lines.Text(), w) {
			f.t.Fatalf("no %q in %q", w, f.lines.Text())
		}
	}
}

func (f *following) ended(code int) {
	f.t.Helper()
	io.Copy(io.Discard, f.out)
	var exit *exec.ExitError
	if err := f.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != code {
		f.t.Errorf("%v: it ends with %v, want exit code %d", f.cmd.Args, err, code)
	}
}

func TestGet_Watch(t *testing.T) {
	b := natstest.Start(t)
	t.Setenv("NETMON_BROKER", b.URL())
	runOK(t, "add", "tcp", "h:1", "--name", "web")
	plain, ndjson := follow(t, "get", "monitors", "--watch"), follow(t, "get", "monitors", "-w", "-o", "ndjson")
	plain.line("NAME", "AGENTS")
	plain.line("web", "10s")
	ndjson.line(`"name":"web"`)
	runOK(t, "add", "tcp", "h:1", "--name", "db")
	plain.line("db", "h:1")
	ndjson.line(`"name":"db"`)
	runOK(t, "stop", "web")
	plain.line("web", "paused (all)")
	ndjson.line(`"name":"web"`, `"paused":true`)
	runOK(t, "delete", "db")
	plain.line("db is gone")
	ndjson.line(`{"deleted":true,"name":"db"`)
	for _, f := range []*following{plain, ndjson} {
		f.stop()
		f.ended(exitInterrupted)
	}
	one := follow(t, "get", "monitor", "later", "--watch", "-o", "name", "--timeout", "1m") // it may come
	runOK(t, "add", "tcp", "h:1", "--name", "later")
	one.line("later")
	one.stop()
	one.ended(exitInterrupted)
	follow(t, "get", "monitors", "--watch", "-o", "json").ended(exitUsage)
	follow(t, "get", "monitors", "--watch", "--timeout", "100ms").ended(exitTimeout)
}

// TestTimeout asks a broker that says nothing.
func TestTimeout(t *testing.T) {
	t.Setenv("NETMON_BROKER", "nats://"+silent(t))
	follow(t, "get", "agents", "--timeout", "50ms").ended(exitTimeout)
	t.Setenv("NETMON_TIMEOUT", "50ms")
	follow(t, "add", "tcp", "h:1").ended(exitTimeout)
	follow(t, "delete", "web").ended(exitTimeout)
	follow(t, "delete", "web", "--timeout", "0s").ended(exitUsage)
	t.Setenv("NETMON_TIMEOUT", "soon")
	follow(t, "delete", "web").ended(exitUsage)
}
