package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/tail"
	"netmon/wire"
)

// targetsProcess answers probes and counts them.
type targetsProcess struct {
	*process
	ports ports
}

func startTargets(ctx context.Context, dir string) (*targetsProcess, error) {
	p, err := again(ctx, dir, "targets")
	if err != nil {
		return nil, err
	}
	t := &targetsProcess{process: p}
	line, err := p.line("{", 10*time.Second)
	if err == nil {
		err = json.Unmarshal([]byte(line), &t.ports)
	}
	return t, err
}

// count is how many probes have been answered so far, by kind.
func (t *targetsProcess) count() (c counts, err error) {
	if _, err := fmt.Fprintln(t.in); err != nil {
		return nil, err
	}
	line, err := t.line("{", 10*time.Second)
	if err == nil {
		err = json.Unmarshal([]byte(line), &c)
	}
	return c, err
}

// mesh is a broker and an agent, and a connection to look at what they do.
type mesh struct {
	dir, url      string
	netmon        string
	access        bool // it has identities, over TLS
	broker, agent *process
	nc            *nats.Conn
	js            jetstream.JetStream
	stream        jetstream.Stream
	base          usage // of the agent before it had monitors
}

const agentID = "bench"

func startMesh(ctx context.Context, o *options, profile string) (m *mesh, err error) {
	m = &mesh{netmon: o.netmon, access: o.access}
	defer func() {
		if err != nil {
			m.stop()
		}
	}()
	if m.dir, err = os.MkdirTemp("", "netmon-bench-mesh"); err != nil {
		return m, err
	}
	addr, err := freeAddr()
	if err != nil {
		return m, err
	}
	m.url = "nats://" + addr
	if err := m.startBroker(ctx, addr); err != nil {
		return m, err
	}
	if err := m.startAgent(ctx, profile); err != nil {
		return m, err
	}
	if m.nc, err = m.connect(); err != nil {
		return m, err
	}
	if m.js, err = jetstream.New(m.nc); err != nil {
		return m, err
	}
	if m.stream, err = m.js.Stream(ctx, wire.ResultsStream); err != nil {
		return m, err
	}
	time.Sleep(500 * time.Millisecond) // its buffers are made
	m.base, err = m.agent.usage()
	return m, err
}

func (m *mesh) startBroker(ctx context.Context, addr string) (err error) {
	args := []string{"broker", "--listen", addr, "--store", filepath.Join(m.dir, "broker")}
	if m.access {
		args = append(args, "--access")
	}
	if m.broker, err = spawn(ctx, m.dir, "broker", m.netmon, args...); err != nil {
		return err
	}
	_, err = m.broker.line("broker ready", 20*time.Second)
	return err
}

// startAgent starts the agent, or this program's own with the profiler in it.
func (m *mesh) startAgent(ctx context.Context, profile string) (err error) {
	state := filepath.Join(m.dir, "agent")
	switch {
	case m.access && profile != "":
		return errors.New("-access and -profile: want one of them")
	case m.access:
		line, err := exec.CommandContext(ctx, m.netmon, append([]string{"token", "new", "agent", "--id", agentID}, m.as()...)...).Output()
		if err != nil {
			return fmt.Errorf("netmon token new agent: %w", err)
		}
		words := strings.Fields(string(line))
		m.agent, err = spawn(ctx, m.dir, "agent", m.netmon, "agent", "--join", words[len(words)-1], "--state", state)
		if err != nil {
			return err
		}
	case profile != "":
		m.agent, err = again(ctx, m.dir, "agent", m.url, state, profile)
	default:
		m.agent, err = spawn(ctx, m.dir, "agent", m.netmon, "agent", "--broker", m.url, "--id", agentID, "--state", state)
	}
	if err != nil {
		return err
	}
	_, err = m.agent.line("connected to", 20*time.Second)
	return err
}

// as says to a command where the broker is, and who asks.
func (m *mesh) as() []string {
	if m.access {
		return []string{"--creds", access.AdminFolder(access.FolderOf(filepath.Join(m.dir, "broker")))}
	}
	return []string{"--broker", m.url}
}

// connect connects to look at what the mesh does.
func (m *mesh) connect() (*nats.Conn, error) {
	o := []nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond)}
	url := m.url
	if m.access {
		folder := m.as()[1]
		id, err := identity.Load(folder)
		if err != nil {
			return nil, err
		}
		own, err := id.Options(folder)
		if err != nil {
			return nil, err
		}
		url, o = id.URL, append(o, own...)
	}
	return nats.Connect(url, o...)
}

func (m *mesh) stop() {
	if m.nc != nil {
		m.nc.Close()
	}
	m.agent.stop()
	m.broker.stop()
	os.RemoveAll(m.dir)
}

// apply saves n monitors of a load, and returns when the command has ended.
func (m *mesh) apply(ctx context.Context, l load, n int, p ports) error {
	path := filepath.Join(m.dir, "monitors.yaml")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "monitors:")
	for i := range n {
		fmt.Fprintf(w, "- {name: m%05d, kind: %s, target: %q, every: %v, timeout: 1s, options: %s}\n", i, l.kind, l.target(host(i), p), l.every, l.options)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, m.netmon, append([]string{"apply", "-f", path}, m.as()...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("netmon apply: %w: %s", err, ending(out))
	}
	return nil
}

// stored is the number of the last result in the stream.
func (m *mesh) stored(ctx context.Context) (uint64, error) {
	info, err := m.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// await waits until n different monitors have results in the stream.
func (m *mesh) await(ctx context.Context, n int, within time.Duration) error {
	limit := time.Now().Add(within)
	for {
		info, err := m.stream.Info(ctx)
		if err != nil {
			return err
		}
		if info.State.NumSubjects >= uint64(n) {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("only %d of %d monitors had a result within %v", info.State.NumSubjects, n, within)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// results calls take with each result stored after number first, up to last.
func (m *mesh) results(ctx context.Context, first, last uint64, take func(*wire.Result)) error {
	if first >= last {
		return nil
	}
	t, err := tail.Open(ctx, m.js, wire.ResultsStream, tail.From{After: first})
	if err != nil {
		return err
	}
	defer t.Stop()
	for {
		msg, meta, err := t.Next()
		if err != nil {
			return err
		}
		r, err := wire.DecodeResult(msg.Subject, msg.Data)
		if err != nil {
			return err
		}
		take(&r)
		if meta.Sequence.Stream >= last {
			return nil
		}
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
