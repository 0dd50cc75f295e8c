package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/host"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/urfave/cli/v2"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/natstest"
	"netmon/wire"
)

// startedBy is what netmon agent with these flags would be.
func startedBy(args ...string) (got membership.Membership, err error) {
	agent := agentCommand()
	withEndpoint(agent)
	agent.Action = func(c *cli.Context) (err error) {
		got, err = memberBy(c)
		return err
	}
	app := &cli.App{Commands: []*cli.Command{agent}, Writer: io.Discard, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {}}
	err = app.RunContext(within(context.Background(), &invocation{}), append([]string{"netmon", "agent"}, args...))
	return got, err
}

// plainCreds are credentials of a NATS server that knows nothing of netmon.
func plainCreds(t *testing.T) string {
	t.Helper()
	user, public := natstest.NewKey(t)
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.NewUserClaims(public).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	data, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, filepath.Join(t.TempDir(), "plain.creds"), string(data))
}

func writeFile(t *testing.T, path, data string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMemberOf_NobodyObeysWhoeverComes: an agent with a key of a mesh knows whose
// commands count there, whichever way it was told of the key, or does not start.
func TestMemberOf_NobodyObeysWhoeverComes(t *testing.T) {
	s := natstest.StartSecure(t)
	state := t.TempDir()
	own := membership.IdentityFolder(state)
	if _, err := s.Enrol(own, s.Address, wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent, Labels: map[string]string{"region": "eu"}}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(identity.Creds(own))
	if err != nil {
		t.Fatal(err)
	}
	loose, plain := writeFile(t, filepath.Join(t.TempDir(), "oslo.creds"), string(data)), plainCreds(t)
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("NETMON_BROKER", "")
	writeFile(t, filepath.Join(config, "netmon", "contexts.yaml"), fmt.Sprintf("contexts:\n  file: {broker: %q, creds: [%q]}\n  loose: {broker: %q, creds: [%q]}\n  folder: {broker: %q, identity: %q}\n",
		s.Address, identity.Creds(own), s.Address, loose, s.Address, own))
	const refused = "an agent needs the whole identity"
	for _, c := range []struct {
		name  string
		env   string // NETMON_CREDS
		args  []string
		trust bool
		err   string
	}{
		{name: "its state folder", args: []string{"--state", state}, trust: true},
		{name: "its state folder, at another address", args: []string{"--state", state, "--broker", s.Address}, trust: true},
		{name: "its state folder, in an environment with other credentials", env: plain, args: []string{"--state", state}, trust: true},
		{name: "the folder of an identity", args: []string{"--creds", own, "--id", "oslo"}, trust: true},
		{name: "the file in it", args: []string{"--creds", identity.Creds(own), "--id", "oslo", "--broker", s.Address}, trust: true},
		{name: "the file in it, and no address", args: []string{"--creds", identity.Creds(own), "--id", "oslo"}, trust: true},
		{name: "the file in it, by the environment", env: identity.Creds(own), args: []string{"--id", "oslo", "--broker", s.Address}, trust: true},
		{name: "the file in it, by a context", args: []string{"--context", "file", "--id", "oslo"}, trust: true},
		{name: "the folder, by a context", args: []string{"--context", "folder", "--id", "oslo"}, trust: true},
		{name: "a copy of the file", args: []string{"--creds", loose, "--id", "oslo", "--broker", s.Address}, err: refused},
		{name: "a copy of the file, beside its identity", args: []string{"--creds", loose, "--state", state, "--broker", s.Address}, err: refused},
		{name: "a copy of the file, by the environment", env: loose, args: []string{"--id", "oslo", "--broker", s.Address}, err: refused},
		{name: "a copy of the file, by a context", args: []string{"--context", "loose", "--id", "oslo"}, err: refused},
		{name: "a copy as JWT and seed", args: []string{"--creds", loose, "--creds", loose, "--id", "oslo", "--broker", s.Address}, err: refused},
		{name: "the file of somebody else", args: []string{"--creds", identity.Creds(own), "--id", "paris"}, err: "the identity there is agent oslo"},
		{name: "credentials of another NATS server", args: []string{"--creds", plain, "--id", "oslo", "--broker", "nats://127.0.0.1:1"}},
		{name: "nothing", args: []string{"--id", "oslo", "--broker", "nats://127.0.0.1:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NETMON_CREDS", c.env)
			m, err := startedBy(c.args...)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if (m.Trust != nil) != c.trust || (m.Rotate != nil) != c.trust {
				t.Errorf("it knows whom to obey: %v, and can change its key: %v, want %v", m.Trust != nil, m.Rotate != nil, c.trust)
			}
			if c.trust {
				nc, err := m.Connect(nats.NoReconnect())
				if err != nil {
					t.Fatalf("connect to %s: %v", m.URL, err)
				}
				nc.Close()
			}
		})
	}
}

// TestEndpoint_CredsFile: by the file of an identity a console knows the authority,
// also where that lies beside a copy of it.
func TestEndpoint_CredsFile(t *testing.T) {
	s := natstest.StartSecure(t)
	id, dir := s.LetIn(t, wire.RoleOperator, "olga")
	data, err := os.ReadFile(identity.Creds(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("NETMON_CREDS", "")
	alone := writeFile(t, filepath.Join(t.TempDir(), "olga.creds"), string(data))
	beside := writeFile(t, filepath.Join(t.TempDir(), "olga.creds"), string(data))
	writeFile(t, identity.CA(filepath.Dir(beside)), id.Authority)
	for file, authority := range map[string]string{identity.Creds(dir): id.Authority, beside: id.Authority, alone: ""} {
		e, err := endpoint.Choose(s.Address, "", []string{file})
		if err != nil {
			t.Fatal(err)
		}
		if p := e.Person(); p.Name != "olga" || p.Signer == nil || p.Authority != authority {
			t.Errorf("by %s: %q, an authority of %d bytes", file, p.Name, len(p.Authority))
		}
	}
}

// TestEndpoint_SignsNoStrangeNonce: not by a file of credentials either.
func TestEndpoint_SignsNoStrangeNonce(t *testing.T) {
	s := natstest.StartSecure(t)
	folder := access.FolderOf(s.Store())
	cert, err := tls.LoadX509KeyPair(filepath.Join(folder, "broker.pem"), filepath.Join(folder, "broker-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	_, dir := s.LetIn(t, wire.RoleOperator, "olga")
	who, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for what, connect := range map[string]func(url string) (*nats.Conn, error){
		"a file": func(url string) (*nats.Conn, error) {
			return endpoint.Endpoint{URL: url, Creds: []string{plainCreds(t)}}.Connect(nats.NoReconnect())
		},
		"the broker's own process": func(url string) (*nats.Conn, error) {
			return host.By(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(url, append(o, nats.NoReconnect())...) }, who, dir)()
		},
		"an identity": func(url string) (*nats.Conn, error) {
			return endpoint.Endpoint{URL: url, Identity: dir}.Connect(nats.NoReconnect())
		},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		secure := what == "an identity"
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "INFO {\"server_id\":\"X\",\"version\":\"2.15.2\",\"proto\":1,\"headers\":true,\"max_payload\":1048576,\"nonce\":\"agent.oslo.cmd start\",\"auth_required\":true,\"tls_required\":%v}\r\n", secure)
			if secure {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
			}
			conn.SetDeadline(time.Now().Add(time.Minute))
			io.Copy(io.Discard, conn)
		}()
		_, err = connect("nats://" + l.Addr().String())
		if err == nil || !strings.Contains(err.Error(), "not the nonce of a NATS server") {
			t.Errorf("%s: %v", what, err)
		}
		l.Close()
	}
}

// TestJoin_NoPlaceForTheKey: what keeps the key from being written is found
// before the token is used up.
func TestJoin_NoPlaceForTheKey(t *testing.T) {
	s := natstest.StartSecure(t)
	t.Setenv("NETMON_CREDS", "")
	t.Setenv("NETMON_JOIN", "")
	file := writeFile(t, filepath.Join(t.TempDir(), "file"), "")
	agent := s.Invite(t, wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent})
	person := s.Invite(t, wire.AccessCommand{Name: "olga", Role: wire.RoleOperator})

	t.Setenv("XDG_STATE_HOME", filepath.Join(file, "state"))
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for what, join := range map[string]func() error{
		"a state folder that cannot be made": func() error {
			_, err := startedBy("--join", agent.String(), "--state", filepath.Join(file, "state"))
			return err
		},
		"no folder for states": func() error { _, err := startedBy("--join", agent.String()); return err },
		"no folder for settings": func() error {
			t.Setenv("XDG_CONFIG_HOME", filepath.Join(file, "config"))
			defer t.Setenv("XDG_CONFIG_HOME", t.TempDir())
			_, _, err := membership.Console(t.Context(), person.String())
			return err
		},
	} {
		if err := join(); err == nil || !strings.Contains(err.Error(), "the token was not used") {
			t.Errorf("%s: %v", what, err)
		}
	}
	state := t.TempDir()
	m, err := startedBy("--join", agent.String(), "--state", state)
	if err != nil || m.ID != "oslo" || m.Trust == nil {
		t.Errorf("the agent's token did not survive: %v", err)
	}
	if _, _, err := membership.Console(t.Context(), person.String()); err != nil {
		t.Errorf("the person's token did not survive: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(membership.IdentityFolder(state), ".try-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
}

// TestMemberOf_StrangerIsTold: an agent without an identity hears what kind of
// broker it is that it tries, and by what command it is let in.
func TestMemberOf_StrangerIsTold(t *testing.T) {
	s := natstest.StartSecure(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("NETMON_CREDS", "")
	m, err := startedBy("--broker", s.Address, "--id", "oslo")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	nc, err := m.Connect(nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
		select {
		case told <- err:
		default:
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	got := (<-told).Error()
	for _, want := range []string{s.Address, "the broker requires an identity", "netmon agent --join LINE", "netmon token new agent --id oslo", "--replace"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in: %s", want, got)
		}
	}
}

// TestJoin_KeepsWhatItHas: an agent that is in goes on where its line is exchanged
// for one that does not let it in: those of a fleet share one.
func TestJoin_KeepsWhatItHas(t *testing.T) {
	s := natstest.StartSecure(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("NETMON_CREDS", "")
	many := func() string { return s.Invite(t, wire.AccessCommand{Role: wire.RoleAgent, Uses: 2}).String() }
	state := t.TempDir()
	if m, err := startedBy("--join", many(), "--id", "web1", "--state", state); err != nil || m.ID != "web1" {
		t.Fatalf("%+v, %v", m, err)
	}
	other := natstest.StartSecure(t).Invite(t, wire.AccessCommand{Role: wire.RoleAgent, Uses: 2}).String()
	for what, c := range map[string]struct {
		args []string
		in   bool
	}{
		"another line of this mesh":            {[]string{"--join", many(), "--id", "web1", "--state", state}, true},
		"a line that is not valid":             {[]string{"--join", strings.Replace(many(), "/join/", "/join/x", 1), "--state", state}, true},
		"a line in a new state folder":         {[]string{"--join", many(), "--id", "web1", "--state", t.TempDir()}, false},
		"a line of another mesh, not valid":    {[]string{"--join", strings.Replace(other, "/join/", "/join/x", 1), "--state", state}, false},
		"another id, in the same state folder": {[]string{"--join", many(), "--id", "local", "--state", state}, false},
	} {
		m, err := startedBy(c.args...)
		if (err == nil) != c.in || c.in && m.ID != "web1" {
			t.Errorf("%s: %q, %v", what, m.ID, err)
		}
	}
	if m, err := startedBy("--join", many()); err != nil || m.ID != membership.JoinID() {
		t.Errorf("by the host's name: %q, %v", m.ID, err)
	}
	if m, err := startedBy(); err != nil || m.ID != membership.JoinID() || m.Trust == nil {
		t.Errorf("and without the line: %q, %v", m.ID, err)
	}
}
