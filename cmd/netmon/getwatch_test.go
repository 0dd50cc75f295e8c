package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"netmon/internal/natstest"
)

// following is a command that goes on, run in this process.
type following struct {
	t     *testing.T
	out   io.Reader
	lines *bufio.Scanner
	stop  context.CancelFunc
	code  chan int
}

func follow(t *testing.T, args ...string) *following {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	f := &following{t, r, bufio.NewScanner(r), stop, make(chan int, 1)}
	go func() {
		f.code <- run(ctx, append([]string{"netmon"}, args...), strings.NewReader(""), w, w)
		w.Close()
	}()
	t.Cleanup(func() { stop(); r.Close() })
	return f
}

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
	go io.Copy(io.Discard, f.out)
	select {
	case got := <-f.code:
		if got != code {
			f.t.Errorf("exit code %d, want %d", got, code)
		}
	case <-time.After(30 * time.Second):
		f.t.Fatal("it does not end")
	}
}

func TestGet_Watch(t *testing.T) {
	b := natstest.Start(t)
	t.Setenv("NETMON_BROKER", b.URL())
	runOK(t, "add", "tcp", "h:1", "--name", "web")
	plain, ndjson := follow(t, "get", "monitors", "--watch"), follow(t, "get", "monitors", "-w", "-o", "ndjson")
	plain.line("NAME", "REVISION")
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
