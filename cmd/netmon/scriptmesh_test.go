package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"netmon/internal/host"
	"netmon/probes/kinds"

	"github.com/rogpeppe/go-internal/testscript"

	"netmon/agent"
	"netmon/broker"
	"netmon/broker/access"
	"netmon/console"
)

// scriptPatience is how long a script waits for what should come at once.
const scriptPatience = time.Minute

// mesh [AGENT[:label=value]]... starts a broker with its controller, and real
// agents, for the rest of the script. NETMON_BROKER is its address; $TARGET is
// a TCP target that is there.
func mesh(ts *testscript.TestScript, neg bool, args []string) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	b, err := broker.Start(context.Background(), broker.Options{Listen: "127.0.0.1:0", Store: ts.MkAbs("broker"), Log: log})
	ts.Check(err)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ts.Defer(func() { stop(); wg.Wait(); b.Close() })
	ready := make(chan struct{})
	h, err := host.Around(b, nil, log)
	ts.Check(err)
	wg.Go(func() { h.Control(ctx, b.DefaultLimits(), sync.OnceFunc(func() { close(ready) })) })
	<-ready
	for _, arg := range args {
		id, label, _ := strings.Cut(arg, ":")
		labels := map[string]string{}
		if k, v, ok := strings.Cut(label, "="); ok {
			labels[k] = v
		}
		a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, Labels: labels, State: ts.MkAbs("agent-" + id), Version: version, Connect: b.Connect, Log: log})
		ts.Check(err)
		wg.Go(func() { a.Run(ctx) })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("NETMON_BROKER", b.URL())
	ts.Setenv("BROKER", b.URL())
	ts.Setenv("TARGET", l.Addr().String())
	await(ts, func(cl *console.Client) bool {
		list, err := cl.Agents(ctx)
		return err == nil && len(list) == len(args)
	}, b)
}

// securemesh starts a broker that knows who is who. Commands go to it as the
// admin of its host.
func securemesh(ts *testscript.TestScript, neg bool, args []string) {
	log := slog.New(slog.DiscardHandler)
	folder := access.FolderOf(ts.MkAbs("broker"))
	a, err := access.Open(folder, nil, log)
	ts.Check(err)
	b, err := broker.Start(context.Background(), broker.Options{Listen: "127.0.0.1:0", Store: ts.MkAbs("broker"), Log: log, Access: a})
	ts.Check(err)
	ts.Check(a.WriteAdmin(a.Admin(), b.URL()))
	id, err := host.Around(b, a, log)
	ts.Check(err)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ts.Defer(func() { stop(); wg.Wait(); b.Close(); a.Close() })
	ready := make(chan struct{})
	wg.Go(func() { id.Control(ctx, b.DefaultLimits(), sync.OnceFunc(func() { close(ready) })) })
	<-ready
	wg.Go(func() { id.Answer(ctx, ready, nil) })
	ts.Setenv("NETMON_BROKER", "")
	ts.Setenv("ADMIN", access.AdminFolder(folder))
	ts.Setenv("NETMON_CREDS", access.AdminFolder(folder))
}

func await(ts *testscript.TestScript, ok func(*console.Client) bool, b *broker.Broker) {
	cl, err := console.Connect(b.Connect)
	ts.Check(err)
	defer cl.Close()
	for end := time.Now().Add(scriptPatience); !ok(cl); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("the mesh does not come up")
		}
	}
}

// until ARGS... runs netmon until it exits with 0, and keeps what it printed
// as exits does.
func until(ts *testscript.TestScript, neg bool, args []string) {
	repeat(ts, args, "come to exit 0", func(err error) bool { return err == nil })
	for _, name := range []string{"out", "err"} {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), name), []byte(ts.ReadFile("std"+name)), 0o600))
	}
}

// untilsays REGEXP ARGS... runs netmon until what it prints matches, whatever
// its exit code.
func untilsays(ts *testscript.TestScript, neg bool, args []string) {
	re := regexp.MustCompile(args[0])
	repeat(ts, args[1:], "say "+args[0], func(error) bool { return re.MatchString(ts.ReadFile("stdout")) })
}

func repeat(ts *testscript.TestScript, args []string, what string, done func(error) bool) {
	for end := time.Now().Add(scriptPatience); !done(ts.Exec("netmon", args...)); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("netmon %s does not %s:\n%s%s", strings.Join(args, " "), what, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}
