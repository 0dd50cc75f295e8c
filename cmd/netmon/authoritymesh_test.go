package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/broker"
	"netmon/broker/access"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/freeport"
	"netmon/internal/host"
	"netmon/internal/ledger"
	"netmon/internal/membership"
	"netmon/internal/natstest"
	"netmon/internal/tail"
	"netmon/internal/testlog"
	"netmon/probes/kinds"
	"netmon/wire"
)

// authorityMesh is a whole mesh in this process, whose broker can be ended and
// started again at the same place.
type authorityMesh struct {
	t      *testing.T
	store  string
	listen string
	log    *testlog.Buffer // of the broker

	a    *access.Authority
	b    *broker.Broker
	ctl  func(...nats.Option) (*nats.Conn, error)
	stop func() // ends the broker, as a kill would: nothing is put in order
}

func newAuthorityMesh(t *testing.T) *authorityMesh {
	m := &authorityMesh{t: t, store: t.TempDir(), listen: freeport.Addr(t), log: &testlog.Buffer{}}
	m.start()
	m.listen = strings.TrimPrefix(m.b.URL(), "tls://")
	t.Cleanup(func() { m.stop() })
	return m
}

func (m *authorityMesh) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// start runs the broker as `netmon broker` does.
func (m *authorityMesh) start() {
	m.t.Helper()
	log := slog.New(slog.NewTextHandler(m.log, nil))
	a, err := access.Open(access.FolderOf(m.store), nil, log)
	m.must(err)
	b, err := broker.Start(m.t.Context(), broker.Options{Listen: m.listen, Store: m.store, Log: log, Access: a})
	m.must(err)
	id, err := host.Around(b, a, log)
	m.must(err)
	m.must(a.WriteAdmin(a.Admin(), b.URL()))
	ctx, cancel := context.WithCancel(context.Background())
	ready, answers := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { id.Control(ctx, b.DefaultLimits(), sync.OnceFunc(func() { close(ready) })) })
	wg.Go(func() { id.Answer(ctx, ready, sync.OnceFunc(func() { close(answers) })) })
	m.a, m.b, m.ctl = a, b, id.Controller
	m.stop = sync.OnceFunc(func() {
		cancel()
		b.Close()
		wg.Wait()
		a.Close()
	})
	<-answers
}

func (m *authorityMesh) restart() {
	m.t.Helper()
	m.stop()
	m.start()
}

// join lets somebody in by a line, and returns the folder of the identity.
func (m *authorityMesh) join(role wire.Role, name string) (dir string) {
	m.t.Helper()
	dir = m.t.TempDir()
	mesh := natstest.Mesh{Authority: m.a, Address: m.b.URL()}
	m.must(m.joinBy(mesh.Invite(m.t, wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: role}), role, dir))
	return dir
}

func (m *authorityMesh) joinBy(line identity.Line, role wire.Role, dir string) error {
	as := identity.Joiner{As: role.Joiner(), Folder: m.t.TempDir(), Dir: func(wire.Credential) (string, error) { return dir, nil }}
	_, _, err := identity.Join(m.t.Context(), line, as)
	return err
}

// console connects somebody, until the end of the test.
func (m *authorityMesh) console(dir string) *console.Client {
	m.t.Helper()
	cl, err := console.ConnectAs(endpoint.PersonIn(dir), endpoint.Endpoint{URL: m.b.URL(), Identity: dir}.Connect)
	m.must(err)
	m.t.Cleanup(cl.Close)
	return cl
}

// agent runs an agent by the identity of a folder, until stop.
func (m *authorityMesh) agent(name, dir, state string) (log *testlog.Buffer, stop func()) {
	m.t.Helper()
	return m.agentBy(name, dir, state, endpoint.Endpoint{URL: m.b.URL(), Identity: dir}.Connect)
}

func (m *authorityMesh) agentBy(name, dir, state string, connect func(...nats.Option) (*nats.Conn, error)) (log *testlog.Buffer, stop func()) {
	m.t.Helper()
	trust, err := identity.OpenTrust(dir)
	m.must(err)
	log = &testlog.Buffer{}
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: name, State: state, Version: "1.0.0", Connect: connect, Trust: trust, Follow: membership.FollowIn(dir, trust), Log: slog.New(slog.NewTextHandler(log, nil))})
	m.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := a.Run(ctx); err != nil {
			m.t.Error(err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	m.t.Cleanup(stop)
	return log, stop
}

// save has a monitor measured everywhere.
func (m *authorityMesh) save(cl *console.Client, name string) {
	m.t.Helper()
	store, err := cl.Monitors(m.t.Context())
	m.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	m.must(err)
	m.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	_, err = store.Save(m.t.Context(), wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: l.Addr().String(), Every: wire.Duration(100 * time.Millisecond), Timeout: wire.Duration(time.Second)}}, "add")
	m.must(err)
}

// until waits for something that cannot be waited for otherwise.
func (m *authorityMesh) until(what string, is func() bool) {
	m.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("not so after a minute: %s; the broker: %s", what, m.log)
		}
	}
}

// numbers are those of the stored results, by agent and monitor, as soon as the
// broker tells.
func (m *authorityMesh) numbers() (out map[string][]uint64) {
	m.t.Helper()
	m.until("the results can be read", func() (is bool) {
		out, is = m.read()
		return is
	})
	return out
}

func (m *authorityMesh) read() (map[string][]uint64, bool) {
	nc, err := m.ctl()
	if err != nil {
		return nil, false
	}
	defer nc.Close()
	f, err := tail.Open(m.t.Context(), natstest.JetStream(m.t, nc), wire.ResultsStream, tail.From{})
	if err != nil {
		return nil, false
	}
	defer f.Stop()
	out := map[string][]uint64{}
	for left := f.Left(); left > 0; left-- {
		msg, _, err := f.Next()
		if err != nil {
			return nil, false
		}
		r, err := wire.DecodeResult(msg.Subject, msg.Data)
		m.must(err)
		out[r.Agent+"/"+r.Monitor] = append(out[r.Agent+"/"+r.Monitor], r.Seq)
	}
	return out, true
}

// whole says that the results so far are all there, in order, and none twice.
func (m *authorityMesh) whole() {
	m.t.Helper()
	nc, err := m.ctl()
	m.must(err)
	defer nc.Close()
	book, err := ledger.Read(m.t.Context(), nc, false)
	m.must(err)
	if len(book.Faults) > 0 || book.Dropped > 0 || book.Stored == 0 {
		m.t.Errorf("%d results, %d of them dropped: %s", book.Stored, book.Dropped, strings.Join(book.Faults, "\n"))
	}
}

// flows waits until there are newer results of all that are named.
func (m *authorityMesh) flows(of ...string) {
	m.t.Helper()
	before := m.numbers()
	m.until("results of "+strings.Join(of, ", "), func() bool {
		now := m.numbers()
		return !slices.ContainsFunc(of, func(one string) bool { return len(now[one]) < len(before[one])+3 })
	})
}

// believes is the authority that an identity believes, and whether it knows another one.
func believes(t *testing.T, dir string) (pin string, more bool) {
	t.Helper()
	ca, err := os.ReadFile(identity.CA(dir))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(dir, "next.json"))
	return identity.Fingerprint(ca), !errors.Is(err, fs.ErrNotExist)
}

func (m *authorityMesh) over(pin string, dirs ...string) {
	m.t.Helper()
	for _, dir := range dirs {
		m.until("a folder believes the new authority alone", func() bool {
			is, more := believes(m.t, dir)
			return is == pin && !more
		})
	}
}

// visit has somebody run short commands until they did what is wanted: a broker that
// is slow to answer one is asked by the next.
func (m *authorityMesh) visit(dir, what string, is func() bool) {
	m.t.Helper()
	m.until(what, func() bool {
		cl, err := console.ConnectAs(endpoint.PersonIn(dir), endpoint.Endpoint{URL: m.b.URL(), Identity: dir}.Connect)
		if err == nil { // else the broker is starting
			cl.Close()
		}
		return is()
	})
}

// overBy is over for those who run short commands.
func (m *authorityMesh) overBy(pin string, dirs ...string) {
	m.t.Helper()
	for _, dir := range dirs {
		m.visit(dir, "a folder believes the new authority alone", func() bool {
			is, more := believes(m.t, dir)
			return is == pin && !more
		})
	}
}
