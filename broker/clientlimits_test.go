package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// bystanders ask each other questions and publish results until stop is
// called, which fails the test unless both continued and none failed.
func bystanders(t *testing.T, nc *nats.Conn) (stop func()) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := nc.Subscribe("agent.paris.cmd", func(m *nats.Msg) { m.Respond([]byte("here")) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var asked, stored atomic.Int64
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			// The patience is that of a busy host: a flood must not stop them for good.
			within, done := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			_, err := nc.RequestWithContext(within, "agent.paris.cmd", nil)
			if err == nil {
				asked.Add(1)
				_, err = js.Publish(within, "results.paris.web", []byte(`{}`))
			}
			done()
			if err != nil {
				ended <- err
				return
			}
			stored.Add(1)
		}
		ended <- nil
	}()
	before := stored.Load()
	return func() {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); stored.Load() < before+20 && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("another client could not go on: %v, after %d questions and %d results", err, asked.Load(), stored.Load())
		}
		if stored.Load() < before+20 {
			t.Errorf("others asked %d times and stored %d results beside the flood", asked.Load(), stored.Load())
		}
		if !nc.IsConnected() || nc.Stats().Reconnects > 0 {
			t.Errorf("another client lost its connection: %v", nc.LastError())
		}
		sub.Unsubscribe()
	}
}

// TestClientLimits floods a broker in each way that it bounds, over real connections.
func TestClientLimits(t *testing.T) {
	// Each flood returns what the broker said to the client that floods, and
	// whether it closed its connection.
	for _, c := range []struct {
		name  string
		guard ClientLimits
		conf  string // of a nats-server configuration
		flood func(t *testing.T, b *Broker) (said string, closed bool)
		says  string
		cut   bool
	}{
		{name: "connections", guard: ClientLimits{Connections: 10}, says: "maximum connections exceeded", cut: true,
			flood: func(t *testing.T, b *Broker) (string, bool) {
				for range 60 {
					if said, closed := send(t, b, "CONNECT {}\r\nPING\r\n", "PONG"); closed {
						return said, closed
					}
				}
				return "all were taken", false
			}},
		{name: "subscriptions", guard: ClientLimits{Subscriptions: 100}, says: "maximum subscriptions exceeded",
			flood: func(t *testing.T, b *Broker) (string, bool) {
				var all strings.Builder
				all.WriteString("CONNECT {}\r\n")
				for i := range 5000 {
					fmt.Fprintf(&all, "SUB flood.%d %d\r\n", i, i)
				}
				said, closed := send(t, b, all.String()+"PING\r\n", "PONG")
				if n := b.server().NumSubscriptions(); n > 1000 {
					t.Errorf("the broker holds %d subscriptions", n)
				}
				return said, closed
			}},
		{name: "payload", says: "Maximum Payload Violation", cut: true,
			flood: func(t *testing.T, b *Broker) (string, bool) {
				return send(t, b, "CONNECT {}\r\nPUB flood 2000000\r\n"+strings.Repeat("x", 2_000_000)+"\r\nPING\r\n", "PONG")
			}},
		{name: "headers", says: "Maximum Payload Violation", cut: true,
			flood: func(t *testing.T, b *Broker) (string, bool) {
				return send(t, b, "CONNECT {\"headers\":true}\r\nHPUB flood 2000000 2000001\r\nNATS/1.0\r\n"+strings.Repeat("x", 2_000_000)+"\r\nPING\r\n", "PONG")
			}},
		{name: "control line", says: "maximum control line exceeded", cut: true,
			flood: func(t *testing.T, b *Broker) (string, bool) {
				return send(t, b, "CONNECT {}\r\nPUB "+strings.Repeat("x", 1<<20), "PONG")
			}},
		{name: "no protocol", says: "Unknown Protocol Operation", cut: true,
			flood: func(t *testing.T, b *Broker) (string, bool) {
				return send(t, b, "\x16\x03\x01"+strings.Repeat("\x00\x1b]52;c;", 10_000), "PONG")
			}},
		{name: "silence", guard: ClientLimits{AuthWithin: 300 * time.Millisecond}, conf: "authorization { user: a, password: b }", says: "Authentication Timeout", cut: true,
			flood: func(t *testing.T, b *Broker) (string, bool) { return send(t, b, "", "PONG") }},
		{name: "pending", guard: ClientLimits{Pending: 1 << 20}, cut: true, flood: deafReader},
		{name: "write deadline", guard: ClientLimits{Pending: 1 << 30, WriteWithin: 200 * time.Millisecond}, cut: true, flood: deafReader},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Listen: "127.0.0.1:0", Store: t.TempDir(), ClientLimits: c.guard}
			var auth []nats.Option
			if c.conf != "" {
				o.Config, auth = config(t, "listen: 127.0.0.1:-1\n"+c.conf), []nats.Option{nats.UserInfo("a", "b")}
			}
			b := mustStart(t, o)
			nc, err := nats.Connect(b.URL(), auth...)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			mustProvision(t, js, DefaultLimits())
			stop := bystanders(t, nc)
			said, closed := c.flood(t, b)
			stop()
			t.Logf("said %.200q, closed: %v", said, closed)
			if !strings.Contains(said, c.says) || closed != c.cut {
				t.Errorf("the broker said %.200q and closed the connection: %v; want %q, %v", said, closed, c.says, c.cut)
			}
		})
	}
}

// send writes to a connection of its own, and reads until the broker says until,
// or closes the connection.
func send(t *testing.T, b *Broker, text, until string) (said string, closed bool) {
	t.Helper()
	conn := dial(t, b)
	go io.Copy(conn, strings.NewReader(text)) // ends when the broker no longer reads
	var got bytes.Buffer
	piece := make([]byte, 4096)
	for {
		n, err := conn.Read(piece)
		got.Write(piece[:n])
		switch {
		case errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "timeout"):
			t.Fatalf("the broker neither answered nor closed the connection; it said %.200q", got.String())
		case err != nil:
			return got.String(), true
		case strings.Contains(got.String(), until):
			return got.String(), false
		}
	}
}

func dial(t *testing.T, b *Broker) net.Conn {
	t.Helper()
	u, err := url.Parse(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(60 * time.Second))
	return conn
}

// deafReader subscribes and never reads while others publish.
func deafReader(t *testing.T, b *Broker) (said string, closed bool) {
	t.Helper()
	conn := dial(t, b)
	if _, err := io.WriteString(conn, "CONNECT {\"verbose\":false}\r\nSUB flood 1\r\n"); err != nil {
		t.Fatal(err)
	}
	nc := connect(t, b.URL()).Conn()
	piece := make([]byte, 512<<10)
	for deadline := time.Now().Add(60 * time.Second); b.server().NumSlowConsumers() == 0 && time.Now().Before(deadline); {
		if err := nc.Publish("flood", piece); err != nil {
			t.Fatal(err)
		}
		if err := nc.FlushTimeout(30 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	return "", b.server().NumSlowConsumers() > 0
}
