package access_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/broker"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// pretend listens as a broker would, with a certificate or, where conf is nil,
// without TLS, and returns what the first client said before it left.
func pretend(t *testing.T, conf *tls.Config) (addr string, said <-chan string) {
	t.Helper()
	return pretendNonce(t, conf, `"sO0iRAu_4fGdW-k"`)
}

// pretendNonce is pretend with a nonce, in JSON.
func pretendNonce(t *testing.T, conf *tls.Config, nonce string) (addr string, said <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	out := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, `INFO {"server_id":"X","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,"nonce":%s,"auth_required":true,"tls_required":%v}`+"\r\n", nonce, conf != nil)
		if conf != nil {
			conn = tls.Server(conn, conf)
		}
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		line, _ := bufio.NewReader(conn).ReadString('\n')
		out <- line
	}()
	return "tls://" + l.Addr().String(), out
}

func TestImpostor(t *testing.T) {
	s := natstest.StartSecure(t)
	other := natstest.StartSecure(t)
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "paris", Role: wire.RoleAgent}))
	line := s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: "tokyo", Role: wire.RoleAgent})
	mine, err := tls.LoadX509KeyPair(filepath.Join(access.FolderOf(s.Store()), "ca.pem"), filepath.Join(access.FolderOf(s.Store()), "ca-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		conf *tls.Config // nil: no TLS
		want string
	}{
		{"another mesh's broker", nil, "certificate"},
		{"a certificate of the right authority for another name", &tls.Config{Certificates: []tls.Certificate{mine}}, "certificate"},
		{"no TLS, where INFO was changed on the way", nil, "secure connection not available"},
	} {
		t.Run(c.what, func(t *testing.T) {
			at := func() (string, <-chan string) { return pretend(t, c.conf) }
			if strings.HasPrefix(c.what, "another") {
				at = func() (string, <-chan string) { return other.URL(), nil }
			}
			for _, who := range []string{"who joined", "who joins"} {
				addr, said := at()
				var err error
				if who == "who joined" {
					moved := id
					moved.URL = addr
					_, err = connect(t, moved, dir, nats.NoReconnect())
				} else {
					to := line
					to.URL = addr
					_, err = join(t, to, t.TempDir())
				}
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", who, err, c.want)
				}
				if said != nil {
					if text := <-said; text != "" {
						t.Errorf("%s said %q to it", who, text)
					}
				}
			}
		})
	}
	if _, err := join(t, line, t.TempDir()); err != nil {
		t.Errorf("the token did not survive: %v", err)
	}
}

// TestAttack_NonceIsNoCommand: a server in other hands chooses the nonce that a
// client signs with its key as it connects. netmon signs none that looks strange,
// and what another client with this key signs proves nothing.
func TestAttack_NonceIsNoCommand(t *testing.T) {
	s := natstest.StartSecure(t)
	id, dir := s.LetIn(t, wire.RoleAdmin, "anna")
	cert, err := tls.LoadX509KeyPair(filepath.Join(access.FolderOf(s.Store()), "broker.pem"), filepath.Join(access.FolderOf(s.Store()), "broker-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.PublicKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := wire.Proof{Key: key, Challenge: "C", Nonce: "N"}
	text, err := p.Text("agent.oslo.cmd", "", []byte(startX))
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(text))
	if err != nil {
		t.Fatal(err)
	}
	// signature is what a server gets for a nonce, "" for nothing.
	signature := func(t *testing.T, nonce string, more ...nats.Option) string {
		t.Helper()
		addr, said := pretendNonce(t, &tls.Config{Certificates: []tls.Certificate{cert}}, nonce)
		at := id
		at.URL = addr
		_, err := connect(t, at, dir, append(more, nats.NoReconnect(), nats.Timeout(5*time.Second))...)
		line := <-said
		if line == "" {
			if err == nil || !strings.Contains(err.Error(), "not the nonce of a NATS server") {
				t.Errorf("nothing is signed, by %v", err)
			}
			return ""
		}
		var hello struct {
			Sig string `json:"sig"`
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "CONNECT ")), &hello); err != nil || hello.Sig == "" {
			t.Fatalf("the client signs nothing: %q (%v)", line, err)
		}
		return hello.Sig
	}
	escaped := strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(string(text))
	for what, nonce := range map[string]string{
		"as JSON writes it": string(quoted), "its bytes as they are": `"` + escaped + `"`,
		"the byte as half a pair": `"\udcff` + escaped[1:] + `"`, "the byte as a character": `"\u00ff` + escaped[1:] + `"`, "without it": `"` + escaped[1:] + `"`,
	} {
		t.Run(what, func(t *testing.T) {
			if sig := signature(t, nonce); sig != "" {
				t.Errorf("netmon signs it: %s", sig)
			}
			p.Signature = signature(t, nonce, nats.UserCredentials(identity.Creds(dir))) // another client
			header, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := identity.Check(string(header), "agent.oslo.cmd", "", []byte(startX)); err == nil {
				t.Error("the server has a command signed")
			}
		})
	}
	for nonce, signs := range map[string]bool{`"sO0iRAu_4fGdW-k"`: true, `"short"`: false, `"` + strings.Repeat("x", 65) + `"`: false, `"eight or more"`: false, `"sO0iRAu+4fGdW/k="`: false} {
		if sig := signature(t, nonce); (sig != "") != signs {
			t.Errorf("nonce %s: signed %q", nonce, sig)
		}
	}
}

func TestTLS_OldVersionIsRefused(t *testing.T) {
	s := natstest.StartSecure(t)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	for version, ok := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReaderSize(conn, 16<<10).ReadString('\n'); err != nil { // INFO
			t.Fatal(err)
		}
		conf, err := s.ClientTLS()
		if err != nil {
			t.Fatal(err)
		}
		conf.MinVersion, conf.MaxVersion = tls.VersionTLS10, version
		err = tls.Client(conn, conf).HandshakeContext(t.Context())
		conn.Close()
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	// Without TLS at all.
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "CONNECT {\"verbose\":false}\r\nPING\r\n")
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			break
		}
		if strings.HasPrefix(line, "PONG") {
			t.Error("a client without TLS was let in")
		}
	}
}

// TestJoin_AnswersTheSame: wrong, used, expired and revoked tokens.
func TestJoin_AnswersTheSame(t *testing.T) {
	s := natstest.StartSecure(t)
	used := s.Invite(t, wire.AccessCommand{Name: "used", Role: wire.RoleViewer})
	joined(t, used)
	short := s.Invite(t, wire.AccessCommand{Name: "short", Role: wire.RoleViewer, Expires: wire.Duration(time.Second)})
	withdrawn := s.Invite(t, wire.AccessCommand{Name: "withdrawn", Role: wire.RoleViewer})
	admin, signer := s.Signing(t, wire.RoleAdmin, access.LocalAdmin)
	if err := askSigned(admin, signer, "access.admin", `{"op":"revoke","name":"withdrawn"}`); err != nil {
		t.Fatal(err)
	}
	wrong := used
	wrong.Token = "guess"
	until(t, "the token is too old", func() bool {
		r, err := requests(admin, signer).Do(t.Context(), "access.admin", []byte(`{"op":"list"}`))
		return err == nil && strings.Contains(string(r.Data), `"expired"`)
	})
	texts := map[string]bool{}
	for _, l := range []identity.Line{used, short, withdrawn, wrong} {
		_, err := join(t, l, t.TempDir())
		if err == nil {
			t.Fatal("it was let in")
		}
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("the answers differ: %v", texts)
	}
}

// TestJoin_Flood: whoever holds nothing cannot keep those out who have joined.
func TestJoin_Flood(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	conf, err := s.ClientTLS()
	if err != nil {
		t.Fatal(err)
	}
	let := 0
	for range 80 {
		nc, err := nats.Connect(s.URL(), nats.Secure(conf), nats.NoReconnect(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err == nil {
			let++
			t.Cleanup(nc.Close)
		}
	}
	if let == 0 || let > 64 {
		t.Errorf("%d connections without a credential, want at most 64", let)
	}
	nc := who[wire.RoleAgent].connect(t, s.Mesh)
	if err := ask(nc, message("results.paris.x", "{}")); err != nil {
		t.Errorf("an agent meanwhile: %v", err)
	}
}

// TestRestart_KeepsWhoIsWho: a broker that starts again on its store, and one
// that restarts its server, know the same identities and shut the same ones out.
func TestRestart_KeepsWhoIsWho(t *testing.T) {
	s := natstest.StartSecure(t)
	in := s.Invite(t, wire.AccessCommand{Name: "anna", Role: wire.RoleAdmin})
	out := s.Invite(t, wire.AccessCommand{Name: "paris", Role: wire.RoleAgent})
	inID, inDir := joined(t, in)
	outID, outDir := joined(t, out)
	nc, err := connect(t, inID, inDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := askSigned(nc, identity.SignByFile(identity.Creds(inDir)), "access.admin", `{"op":"revoke","name":"paris"}`); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	until(t, "it is shut out", func() bool { _, err := connect(t, outID, outDir, nats.NoReconnect()); return err != nil })
	check := func(t *testing.T) {
		until(t, "anna is in", func() bool { _, err := connect(t, inID, inDir); return err == nil })
		if _, err := connect(t, outID, outDir); err == nil {
			t.Error("paris came in")
		}
	}
	s.Broker.Close()
	s.Authority.Close()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	a, err := access.Open(access.FolderOf(s.Store()), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Start(t.Context(), broker.Options{Listen: u.Host, Store: s.Store(), Access: a})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	check(t)
	if a.Pin() != s.Pin() {
		t.Error("the authority is another one")
	}
}

func TestFolder(t *testing.T) {
	s := natstest.StartSecure(t)
	_, dir := joined(t, s.Invite(t, wire.AccessCommand{Name: "anna", Role: wire.RoleAdmin}))
	for _, folder := range []string{access.FolderOf(s.Store()), dir} {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 && path != dir { // that one is the test's own
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, broken := range map[string]string{"keys.json": "{", "identities.json": "[]", "ca.pem": "x", "broker.pem": "x"} {
		bad := t.TempDir()
		copyFolder(t, access.FolderOf(s.Store()), bad)
		if err := os.WriteFile(filepath.Join(bad, name), []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := access.Open(bad, nil, nil); err == nil {
			t.Errorf("a damaged %s: no error", name)
		} else {
			t.Log(err)
		}
	}
}

// TestAgents_OfOneKey: the second learns from the broker, that the id is in use.
func TestAgents_OfOneKey(t *testing.T) {
	s := natstest.StartSecure(t)
	id, dir := joined(t, s.Invite(t, wire.AccessCommand{Name: "paris", Role: wire.RoleAgent}))
	opened := make(chan struct{}, 2)
	run := func(ctx context.Context) error {
		a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: "paris", State: t.TempDir(), Version: "0.0.1", Trust: trusting(t, s.Authority, dir), Opened: func() { opened <- struct{}{} },
			Connect: func(more ...nats.Option) (*nats.Conn, error) {
				o, err := id.Options(dir)
				if err != nil {
					return nil, err
				}
				return nats.Connect(id.URL, append(o, more...)...)
			}})
		if err != nil {
			return err
		}
		return a.Run(ctx)
	}
	first := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { first <- run(ctx) }()
	<-opened
	if err := run(t.Context()); !errors.Is(err, agent.ErrIDInUse) {
		t.Errorf("the second: %v, want %v", err, agent.ErrIDInUse)
	}
	stop()
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// TestLabels_AreThoseOfTheToken: an agent that claims region=us, and was let in
// for region=eu, gets the monitors of eu; and a console cannot sync it.
func TestLabels_AreThoseOfTheToken(t *testing.T) {
	s := natstest.StartSecure(t)
	runs := startAgent(t, s.Mesh, "oslo")
	boss := s.As(t, access.Controller, "controller")
	control(t, s.Mesh, boss)
	admin, signer := s.Signing(t, wire.RoleAdmin, access.LocalAdmin)
	store, _ := bucket(t, natstest.JetStream(t, boss))
	for name, where := range map[string]string{"a-us": "region=us", "b-eu": "region=eu"} {
		text := fmt.Sprintf(`{"name":%q,"kind":"tcp","target":"127.0.0.1:1","every":"10s","timeout":"5s","agents":[%q],"author":"local"}`, name, where)
		if err := saveSigned(admin, signer, store, name, "", text, 0); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "it runs what is for eu", func() bool { return slices.Contains(strings.Fields(runs()), "b-eu") })
	if got := runs(); got != "b-eu" {
		t.Errorf("it runs %s", got)
	}
	if err := askSigned(admin, signer, "agent.oslo.cmd", `{"op":"sync","store":"x","revision":99,"have":{}}`); err == nil || !strings.Contains(err.Error(), "only the controller may send sync") {
		t.Errorf("sync by a console: %v", err)
	}
}
