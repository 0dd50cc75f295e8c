package access_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/freeport"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/race"
	"netmon/wire"
)

// standalone are real nats-servers, started with what Export writes.
type standalone struct {
	a       *access.Authority
	url     string // of the first one
	urls    []string
	restart func(i int)
}

func startStandalone(t *testing.T, n int) standalone {
	t.Helper()
	program := natsServer(t)
	a, err := access.Open(filepath.Join(t.TempDir(), "access"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	s := standalone{a: a}
	var routes []string
	ports := make([]int, n)
	for i := range n {
		ports[i] = freeport.Port(t)
		routes = append(routes, fmt.Sprintf("nats-route://127.0.0.1:%d", ports[i]))
	}
	dirs, running := make([]string, n), make([]*exec.Cmd, n)
	start := func(i int) {
		cmd := exec.Command(program, "-a", "127.0.0.1", "-c", "nats-server.conf", "-l", "log")
		cmd.Dir = dirs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running[i] = cmd
	}
	for i := range n {
		dirs[i] = t.TempDir()
		port := freeport.Port(t)
		if err := a.Export(dirs[i], port); err != nil {
			t.Fatal(err)
		}
		if n > 1 {
			f, err := os.OpenFile(filepath.Join(dirs[i], "nats-server.conf"), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(f, "server_name: n%d\ncluster { name: mesh, listen: \"127.0.0.1:%d\", routes: [%s] }\n", i, ports[i], strings.Join(routes, ", "))
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		s.urls = append(s.urls, fmt.Sprintf("tls://127.0.0.1:%d", port))
		start(i)
		t.Cleanup(func() {
			running[i].Process.Kill()
			running[i].Wait()
			if log, err := os.ReadFile(filepath.Join(dirs[i], "log")); err == nil && t.Failed() {
				t.Logf("server %d:\n%.6000s", i, log)
			}
		})
	}
	s.restart = func(i int) {
		running[i].Process.Signal(os.Interrupt)
		running[i].Wait()
		start(i)
	}
	s.url = s.urls[0]
	return s
}

// serve runs what `netmon controller --access` runs besides the controller.
func (s standalone) serve(t *testing.T) { s.serveWith(t, broker.DefaultLimits()) }

func (s standalone) serveWith(t *testing.T, limits broker.Limits) {
	t.Helper()
	again := []nats.Option{nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}
	outside, err := s.a.Outside(access.Controller, "controller")
	if err != nil {
		t.Fatal(err)
	}
	mesh, err := nats.Connect(s.url, append(outside, again...)...)
	if err != nil {
		t.Fatal(err)
	}
	ofSystem, err := s.a.System()
	if err != nil {
		t.Fatal(err)
	}
	system, err := nats.Connect(s.url, append(ofSystem, again...)...)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(mesh)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		try, done := context.WithTimeout(ctx, 5*time.Second)
		err := broker.Provision(try, js, limits)
		done()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	serving := t.Context()
	go func() {
		ended <- s.a.Serve(serving, access.Service{Mesh: mesh, URL: s.url, Ready: func() { close(ready) },
			Push: func(ctx context.Context, accounts []access.Account) error { return access.Push(ctx, system, accounts) }})
	}()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
		mesh.Close()
		system.Close()
	})
	<-ready
}

func (s standalone) mesh() natstest.Mesh { return natstest.Mesh{Authority: s.a, Address: s.url} }

func (s standalone) invite(t *testing.T, name string, role wire.Role) identity.Line {
	t.Helper()
	token, err := s.a.Invite("test", wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return identity.Line{URL: s.url, Token: token, Pin: s.a.Pin()}
}

// TestExport_OnRealServers lets in, commands, changes keys and shuts out at one
// nats-server, and at a cluster of three.
func TestExport_OnRealServers(t *testing.T) {
	need.Time(t)
	t.Parallel()
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := startStandalone(t, n)
			s.serve(t)
			agentID, agentDir := joined(t, s.invite(t, "paris", wire.RoleAgent))
			adminID, adminDir := joined(t, s.invite(t, "anna", wire.RoleAdmin))
			at := func(id identity.Identity, i int) identity.Identity {
				id.URL = s.urls[i]
				return id
			}
			last := n - 1
			cut := make(chan error, 1)
			paris, err := connect(t, at(agentID, last), agentDir, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			if err != nil {
				t.Fatal(err)
			}
			parisTrust := trusting(t, s.a, agentDir)
			receiver := identity.Receiver{Member: parisTrust.Member, Challenges: &identity.Challenges{}}
			if _, err := paris.Subscribe("agent.paris.cmd", func(m *nats.Msg) {
				if strings.Contains(string(m.Data), `"instance"`) {
					m.Respond([]byte(`{"ok":true,"agent":"paris","info":{"agent":"paris","instance":"first"}}`))
					return
				}
				who, err := receiver.Sender(m.Header.Get(wire.ProofHeader), m.Subject, m.Data, wire.RoleAdmin)
				r := wire.Reply{OK: true, Agent: fmt.Sprint(who.Name, " ", who.Role)}
				if err != nil {
					r = wire.Refuse("paris", wire.Invalid(err)...)
					r.Challenge = receiver.Challenges.Now()
				}
				m.Respond(r.Encode())
			}); err != nil || paris.Flush() != nil {
				t.Fatal(err)
			}
			if err := ask(paris, message("results.paris.web", "{}")); err != nil {
				t.Fatalf("store a result: %v", err)
			}
			second, err := connect(t, agentID, agentDir) // at another server
			if err != nil {
				t.Fatal(err)
			}
			until(t, "the second agent of an id hears of the first", func() bool {
				r, err := second.Request("access.claim.paris", []byte(`{"op":"info","instance":"second"}`), 5*time.Second)
				return err == nil && strings.Contains(string(r.Data), `"first"`)
			})
			second.Close()
			admin, err := connect(t, adminID, adminDir)
			if err != nil {
				t.Fatal(err)
			}
			signer := identity.SignByFile(identity.Creds(adminDir))
			store, _ := bucket(t, natstest.JetStream(t, s.mesh().As(t, access.Controller, "controller")))
			until(t, "the command arrives with its author", func() bool {
				r, err := requests(admin, signer).Do(t.Context(), "agent.paris.cmd", []byte(`{"op":"start"}`))
				return err == nil && strings.Contains(string(r.Data), "anna admin")
			})
			if err := saveSigned(admin, signer, store, "web", "", strings.ReplaceAll(savedWeb, "<me>", "anna"), 0); err != nil {
				t.Errorf("save: %v", err)
			}
			if err := makes("AUDIT", "")(trier{Conn: admin, actor: actor{name: "anna"}}); err != nil {
				t.Errorf("read the audit: %v", err)
			}
			if err := identity.Rotate(t.Context(), paris, agentDir); err != nil {
				t.Errorf("rotate: %v", err)
			}
			watched, err := connect(t, at(agentID, last), agentDir, nats.NoReconnect(), nats.ClosedHandler(func(nc *nats.Conn) { cut <- nc.LastError() }))
			if err != nil || watched == nil {
				t.Fatalf("with the new key: %v", err)
			}
			paris.Close()
			if err := askSigned(admin, signer, "access.admin", `{"op":"revoke","name":"paris"}`); err != nil {
				t.Fatalf("revoke: %v", err)
			}
			select {
			case <-cut:
			case <-time.After(time.Minute):
				t.Fatal("the revoked key is still connected")
			}
			s.restart(last)
			until(t, "the server is back", func() bool {
				nc, err := connect(t, at(adminID, last), adminDir)
				if err == nil {
					nc.Close()
				}
				return err == nil
			})
			if _, err := connect(t, at(agentID, last), agentDir); err == nil {
				t.Error("the revoked key came in after a restart")
			}
		})
	}
}

// TestAttack_OnRealServers tries what the matrix and ByReply try on servers that
// are not embedded: each row holds there, too.
func TestAttack_OnRealServers(t *testing.T) {
	need.Time(t)
	if race.Enabled {
		t.Skip("these servers are built without the race detector: TestAttack_Matrix and TestAttack_ByReply have it do the same")
	}
	for _, n := range []int{1, 3} {
		for what, try := range map[string]func(*testing.T, natstest.Mesh){"matrix": func(t *testing.T, m natstest.Mesh) { tryAll(t, m) }, "by reply": tryReplies} {
			t.Run(fmt.Sprint(n, " ", what), func(t *testing.T) {
				s := startStandalone(t, n)
				s.serve(t)
				try(t, s.mesh())
			})
		}
	}
}

// until tries until something is so.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}
