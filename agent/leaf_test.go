package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent"
	"netmon/broker"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/probes/kinds"
	"netmon/wire"
)

// natsServer starts one of NATS's own servers. Port 0 of its options takes any.
func natsServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoLog, o.NoSigs = "127.0.0.1", true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server is not ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// leafMesh is a hub with JetStream, a leaf without, and an agent at the leaf.
type leafMesh struct {
	t     *testing.T
	store string
	hub   *server.Server
	leaf  *server.Server
	port  int // of the hub's leaf nodes
	at    int // of the leaf
	dom   string
	log   testlog.Buffer
}

func newLeafMesh(t *testing.T, domain string) *leafMesh {
	m := &leafMesh{t: t, store: t.TempDir(), dom: domain, port: -1, at: -1}
	m.startHub()
	js := m.js()
	if err := broker.Provision(t.Context(), js, broker.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	m.startLeaf()
	return m
}

func (m *leafMesh) startHub() {
	o := &server.Options{ServerName: "hub", Port: -1, JetStream: true, StoreDir: m.store, JetStreamDomain: m.dom}
	o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", m.port
	m.hub = natsServer(m.t, o)
	m.port = o.LeafNode.Port
}

func (m *leafMesh) startLeaf() {
	u := &url.URL{Scheme: "nats-leaf", Host: fmt.Sprintf("127.0.0.1:%d", m.port)}
	o := &server.Options{ServerName: "leaf", Port: m.at}
	o.LeafNode.ReconnectInterval = 100 * time.Millisecond
	o.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{u}}}
	m.leaf = natsServer(m.t, o)
	m.at = o.Port
}

func (m *leafMesh) js() jetstream.JetStream {
	m.t.Helper()
	nc, err := nats.Connect(m.hub.ClientURL())
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		m.t.Fatal(err)
	}
	return js
}

// agent runs one at the leaf that measures once a second.
func (m *leafMesh) agent() {
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: "leafy", State: m.t.TempDir(), Version: "1.0.0", Log: slog.New(slog.NewTextHandler(&m.log, nil)),
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.leaf.ClientURL(), o...) }})
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { a.Run(ctx) })
	m.t.Cleanup(func() { stop(); wg.Wait() })
	c := wire.Command{Op: wire.OpStart, Monitors: []wire.Monitor{{Name: "web", Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(time.Second)}}}
	data, err := json.Marshal(c)
	if err != nil {
		m.t.Fatal(err)
	}
	nc, err := nats.Connect(m.leaf.ClientURL())
	if err != nil {
		m.t.Fatal(err)
	}
	defer nc.Close()
	m.until("the agent takes commands", func() bool {
		_, err := nc.Request("agent.leafy.cmd", data, time.Second)
		return err == nil
	})
}

func (m *leafMesh) until(what string, ok func() bool) {
	m.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("not within a minute: %s; the agent says:\n%s", what, m.log.String())
		}
	}
}

// numbers are those of the results that are stored, and the last heartbeat.
func (m *leafMesh) numbers() (seqs []uint64, notes string) {
	m.t.Helper()
	js := m.js()
	s, err := js.Stream(m.t.Context(), wire.ResultsStream)
	if err != nil {
		m.t.Fatal(err)
	}
	for n := uint64(1); n <= s.CachedInfo().State.LastSeq; n++ {
		msg, err := s.GetMsg(m.t.Context(), n)
		if err != nil {
			m.t.Fatal(err)
		}
		r, err := wire.DecodeResult(msg.Subject, msg.Data)
		if err != nil {
			m.t.Fatal(err)
		}
		seqs = append(seqs, r.Seq)
	}
	if s, err = js.Stream(m.t.Context(), wire.AgentsStream); err == nil {
		if msg, err := s.GetLastMsgForSubject(m.t.Context(), "agent.leafy.alive"); err == nil {
			notes = string(msg.Data)
		}
	}
	return seqs, notes
}

func (m *leafMesh) flows(over uint64) {
	m.t.Helper()
	m.until(fmt.Sprintf("results after number %d", over), func() bool {
		seqs, _ := m.numbers()
		return len(seqs) > 0 && seqs[len(seqs)-1] > over
	})
}

// TestAgent_BehindALeaf has an agent at a leaf node without JetStream deliver
// everything once, through the loss of the hub and of the leaf.
func TestAgent_BehindALeaf(t *testing.T) {
	need.Time(t)
	m := newLeafMesh(t, "hub")
	m.agent()
	m.flows(1)
	last := func() uint64 { seqs, _ := m.numbers(); return seqs[len(seqs)-1] }
	for range 2 {
		before := last()
		m.hub.Shutdown()
		m.hub.WaitForShutdown()
		m.until("the hub is missed", func() bool { return m.leaf.NumLeafNodes() == 0 })
		m.startHub()
		m.flows(before + 2)
		before = last()
		m.leaf.Shutdown()
		m.leaf.WaitForShutdown()
		m.startLeaf()
		m.flows(before + 2)
	}
	seqs, notes := m.numbers()
	for i, seq := range seqs {
		if seq != uint64(i)+seqs[0] {
			t.Fatalf("stored are %v: want each once, in order; the agent says:\n%s", seqs, m.log.String())
		}
	}
	if strings.Contains(notes, "does not answer") {
		t.Errorf("its heartbeat: %s", notes)
	}
}

// TestAgent_BehindALeafWithoutADomain logs at once what will not work later.
func TestAgent_BehindALeafWithoutADomain(t *testing.T) {
	m := newLeafMesh(t, "")
	m.agent()
	m.flows(1)
	m.until("its heartbeat says what will not work, and the cure", func() bool {
		_, notes := m.numbers()
		return strings.Contains(notes, "JetStream's API does not answer here") && strings.Contains(notes, "jetstream { domain: hub }")
	})
}
