package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/agent"
	"netmon/broker"
	"netmon/broker/access"
	"netmon/console"
	"netmon/console/prompt"
	"netmon/console/view"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/host"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/judge"
	"netmon/probes/kinds"
	"netmon/wire"
)

// goneMesh is a whole mesh that knows who is who, in this process.
type goneMesh struct {
	t *testing.T
	natstest.Mesh
	b      *broker.Broker
	broker *testlog.Buffer // the log of it
	admin  *console.Client
	model  *console.Model
	prompt *console.Model
}

func newGoneMesh(t *testing.T) *goneMesh {
	m := &goneMesh{t: t, broker: &testlog.Buffer{}}
	store, log := t.TempDir(), slog.New(slog.NewTextHandler(m.broker, nil))
	a, err := access.Open(access.FolderOf(store), nil, log)
	m.must(err)
	m.b, err = broker.Start(t.Context(), broker.Options{Listen: "127.0.0.1:0", Store: store, Log: log, Access: a})
	m.must(err)
	t.Cleanup(func() { m.b.Close(); a.Close() })
	m.Mesh = natstest.Mesh{Authority: a, Address: m.b.URL()}
	id, err := host.Around(m.b, a, log)
	m.must(err)
	ready, answers := make(chan struct{}), make(chan struct{})
	m.running(func(ctx context.Context) {
		id.Control(ctx, m.b.DefaultLimits(), sync.OnceFunc(func() { close(ready) }))
	})
	<-ready
	m.running(func(ctx context.Context) { id.Answer(ctx, ready, sync.OnceFunc(func() { close(answers) })) })
	<-answers
	m.admin = m.console(wire.RoleAdmin, "anna")
	m.model = m.console(wire.RoleViewer, "vic").Model(console.ModelOptions{Past: true})
	m.running(m.model.Run)
	m.prompt = promptModel(m.console(wire.RoleViewer, "vera"))
	m.running(m.prompt.Run)
	return m
}

func (m *goneMesh) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// running runs something until the end of the test, or until stop.
func (m *goneMesh) running(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	m.t.Cleanup(stop)
	return stop
}

func (m *goneMesh) console(role wire.Role, name string) *console.Client {
	m.t.Helper()
	id, dir := m.LetIn(m.t, role, name)
	cl, err := console.ConnectAs(endpoint.PersonIn(dir), host.By(m.b.Connect, id, dir))
	m.must(err)
	m.t.Cleanup(cl.Close)
	return cl
}

// agent lets an agent in and runs it, over TLS or inside this process.
func (m *goneMesh) agent(name string, inside bool) (log *testlog.Buffer, stop func()) {
	m.t.Helper()
	dir := m.t.TempDir()
	id, _, err := identity.Join(m.t.Context(), m.Invite(m.t, wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: wire.RoleAgent}),
		identity.Joiner{As: wire.JoinAgent, Folder: m.t.TempDir(), Dir: func(wire.Credential) (string, error) { return dir, nil }})
	m.must(err)
	trust, err := identity.OpenTrust(dir)
	m.must(err)
	connect := host.By(m.b.Connect, id, dir)
	if !inside {
		connect = endpoint.Endpoint{URL: id.URL, Identity: dir}.Connect
	}
	log = &testlog.Buffer{}
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: name, State: m.t.TempDir(), Version: "1.0.0", Connect: connect, Trust: trust, Log: slog.New(slog.NewTextHandler(log, nil))})
	m.must(err)
	return log, m.running(func(ctx context.Context) {
		if err := a.Run(ctx); err != nil {
			m.t.Error(err)
		}
	})
}

// seen is what the mesh says of its agents, asked in every way.
type seen struct {
	listed, feed, prompt int // agents
	of                   int // where the monitor should run, on the live screen
	stand                judge.State
	on                   int // agents of its status
}

func (m *goneMesh) seen() (s seen) {
	m.t.Helper()
	agents, err := m.admin.Agents(m.t.Context())
	m.must(err)
	s.listed = len(agents)
	snap := m.model.Snapshot(view.Query{Limit: 10, Agents: true})
	s.feed = len(snap.Agents)
	for _, row := range snap.Monitors {
		s.of = row.Of
	}
	s.prompt = len(prompt.SnapshotOf(m.prompt, "here", "here").Agents)
	stand, err := m.admin.Status(m.t.Context(), "web")
	m.must(err)
	s.stand, s.on = stand.State, len(stand.Agents)
	return s
}

// await waits until all says the same of so many agents.
func (m *goneMesh) await(agents int, within time.Duration) {
	m.t.Helper()
	want := seen{agents, agents, agents, agents, judge.Up, agents}
	var got seen
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		if got = m.seen(); got == want {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("after %v: %+v, want %+v", within, got, want)
		}
	}
}

// stays asks for a while whether all goes on saying the same. That a slow machine
// measures too rarely, and that this is told, is no fault.
func (m *goneMesh) stays(agents int, during time.Duration) {
	m.t.Helper()
	want := seen{agents, agents, agents, agents, judge.Up, agents}
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got := m.seen(); got != want {
			stand, err := m.admin.Status(m.t.Context(), "web")
			m.must(err)
			slow := slices.ContainsFunc(stand.Agents, func(a console.AgentStatus) bool { return strings.HasPrefix(a.Why, "no result for") })
			if got.stand = want.stand; got != want || !slow {
				m.t.Fatalf("%+v, want %+v: %+v", got, want, stand)
			}
		}
	}
}

// findUp waits until so many agents find web good.
func (m *goneMesh) findUp(agents int) {
	m.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		s, err := m.admin.Status(m.t.Context(), "web")
		m.must(err)
		if s.Verdict != nil && len(s.Verdict.Quorum.Up) == agents {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("want %d agents that find it good: %+v", agents, s)
		}
	}
}

// measures waits for a result of an agent from then on: one of before may tell of now.
func (m *goneMesh) measures(agent string, since time.Time) {
	m.t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s, err := m.admin.Status(m.t.Context(), "web")
		m.must(err)
		for _, a := range s.Agents {
			if a.Agent == agent && a.Result != nil && a.Result.Started.After(since) {
				return
			}
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s does not measure: %+v", agent, s)
		}
	}
}

// save saves a monitor and is told what the agents say of it.
func (m *goneMesh) save(name, target string, on ...string) string {
	m.t.Helper()
	s := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: target, Every: wire.Duration(time.Second), Timeout: wire.Duration(time.Second)}, Agents: on}
	o, err := opsOf(m.admin).Add(m.t.Context(), s)
	m.must(err)
	var out bytes.Buffer
	if err := report(&out, o, nil); err != nil {
		m.t.Error(err)
	}
	return out.String()
}

// TestRevoke_IsAnEnd shuts an agent out while consoles look on.
func TestRevoke_IsAnEnd(t *testing.T) {
	need.Time(t)
	t.Parallel()
	m := newGoneMesh(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	m.must(err)
	defer l.Close()
	_, stopOslo := m.agent("oslo", true)
	paris, stopParis := m.agent("paris", false)
	m.save("web", l.Addr().String(), "all")
	m.await(2, time.Minute)
	m.findUp(2)

	_, err = m.admin.Access(t.Context(), wire.AccessCommand{Op: wire.AccessRevoke, Name: "paris"})
	m.must(err)
	if s := m.seen(); s.listed != 1 || s.on != 1 || s.stand != judge.Up {
		t.Errorf("right after it was shut out: %+v", s)
	}
	m.await(1, time.Minute)
	m.stays(1, 2*time.Second)
	if out := m.save("db", l.Addr().String(), "paris", "oslo"); !strings.Contains(out, "paris        db no agent of that name is known") || !strings.Contains(out, "oslo         db running") {
		t.Errorf("told: %s", out)
	}
	if err := m.admin.ForgetAgent(t.Context(), "oslo"); err == nil || !strings.Contains(err.Error(), "it is online") {
		t.Errorf("forget an agent that is online: %v", err)
	}
	store, err := m.admin.Monitors(t.Context())
	m.must(err)
	db, err := store.Get(t.Context(), "db")
	m.must(err)
	_, err = store.Delete(t.Context(), "db", db.Revision)
	m.must(err)

	if n := paris.Count("does not let this agent in"); n != 1 {
		t.Errorf("the agent says %d times that it is shut out:\n%s", n, paris)
	}
	stopParis()
	again := time.Now()
	m.agent("paris", false) // let in again
	m.measures("paris", again)
	m.await(2, time.Minute)
	m.stays(2, time.Second)

	stopOslo()
	m.must(m.admin.ForgetAgent(t.Context(), "oslo"))
	m.await(1, time.Minute)
	if err := m.admin.ForgetAgent(t.Context(), "oslo"); err == nil || !strings.Contains(err.Error(), "no agent of that name is known") {
		t.Errorf("forget one twice: %v", err)
	}
	if err := m.console(wire.RoleOperator, "olga").ForgetAgent(t.Context(), "paris"); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("an operator forgets: %v", err)
	}
	var did []string
	m.must(m.admin.Audit(t.Context(), time.Time{}, false, func(a wire.Audit) {
		if a.Where == "access" && a.By == "anna" {
			did = append(did, a.Did)
		}
	}))
	if got := strings.Join(did, " "); !strings.Contains(got, "revoke") || !strings.Contains(got, "forget") {
		t.Errorf("audit: %s", got)
	}
}

// TestRevoke_IsToldOnce counts what is logged of agents that are refused.
func TestRevoke_IsToldOnce(t *testing.T) {
	need.Time(t)
	for name, inside := range map[string]bool{"over TLS": false, "in this process": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newGoneMesh(t)
			log, _ := m.agent("paris", inside)
			for end := time.Now().Add(time.Minute); len(prompt.SnapshotOf(m.prompt, "here", "here").Agents) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			}
			_, err := m.admin.Access(t.Context(), wire.AccessCommand{Op: wire.AccessRevoke, Name: "paris"})
			m.must(err)
			time.Sleep(6 * time.Second) // so long that it tried several times
			if n := m.broker.Count("authentication error"); n != 1 {
				t.Errorf("the broker logs %d lines:\n%s", n, m.broker)
			}
			m.b.Close() // which tells what was counted: tries at 1, 3 and 7 s after the first or the second
			more := regexp.MustCompile(`nats: (\d+) more like this one .* authentication error`).FindStringSubmatch(m.broker.String())
			if len(more) == 0 || len(more[1]) > 1 || more[1] > "4" {
				t.Errorf("%v tries: %s", more, m.broker)
			}
			if n := log.Count("level=WARN") + log.Count("level=ERROR"); n != 1 {
				t.Errorf("the agent logs %d lines:\n%s", n, log)
			}
		})
	}
}

// TestAgentsForget_OnAnOpenMesh forgets one that left, by the command.
func TestAgentsForget_OnAnOpenMesh(t *testing.T) {
	b := natstest.Start(t)
	js := natstest.JetStream(t, natstest.Connect(t, b))
	for _, beat := range []string{`{"agent":"oslo"}`, `{"agent":"paris","leaving":true}`, `{"agent":"rome","leaving":true}`} {
		var a wire.Alive
		if err := json.Unmarshal([]byte(beat), &a); err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "agent."+a.Agent+".alive", []byte(beat)); err != nil {
			t.Fatal(err)
		}
	}
	does := func(code int, want string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		args = append(append([]string{"netmon"}, args...), "--broker", b.URL())
		if got := execute(t.Context(), args, nil, &out, &out); got != code || !strings.Contains(out.String(), want) {
			t.Errorf("%v: exit %d, %s; want %d, %s", args, got, out.String(), code, want)
		}
	}
	does(0, "paris is forgotten\nrome is forgotten\n", "agents", "forget", "paris", "rome")
	does(0, "oslo\n", "get", "agents", "-o", "name")
	does(1, "forget oslo: it is online", "agents", "forget", "oslo")
	does(1, "forget paris: no agent of that name is known", "agents", "forget", "paris")
	does(2, "want the names of agents", "agents", "forget")
}
