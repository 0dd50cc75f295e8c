package access_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/race"
	"netmon/wire"
)

func results(size int64) broker.Limits {
	l := broker.DefaultLimits()
	l.ResultsBytes = size
	return l
}

// storeMany stores messages of size bytes as fast as it can, and waits for each window.
func storeMany(t *testing.T, nc *nats.Conn, agent string, n, size int) {
	t.Helper()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	for i := range n {
		if _, err := js.PublishAsync(fmt.Sprintf("results.%s.m%d", agent, i%100), data, jetstream.WithStallWait(30*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(60 * time.Second):
		t.Fatal("not stored")
	}
}

// flood publishes until the connection is cut, and returns what it sent.
func flood(nc *nats.Conn, agent string, size int) (bytes int64) {
	data := make([]byte, size)
	for i := 0; ; i++ {
		if nc.Publish(fmt.Sprintf("results.%s.m%d", agent, i%100), data) != nil {
			return bytes
		}
		bytes += int64(size)
	}
}

func identities(t *testing.T, admin *nats.Conn, dir string) map[string]wire.Identity {
	t.Helper()
	m, err := requests(admin, identity.SignByFile(identity.Creds(dir))).Do(t.Context(), wire.AccessAdminSubject, []byte(`{"op":"list"}`))
	if err != nil {
		t.Fatal(err)
	}
	var r wire.AccessReply
	if err := json.Unmarshal(m.Data, &r); err != nil || !r.OK {
		t.Fatalf("%s %v", m.Data, err)
	}
	out := map[string]wire.Identity{}
	for _, id := range r.Identities {
		out[id.Name] = id
	}
	return out
}

// resume lets paris in again.
func resume(admin *nats.Conn, dir string) error {
	return askSigned(admin, identity.SignByFile(identity.Creds(dir)), wire.AccessAdminSubject, `{"op":"resume","name":"paris"}`)
}

// audits waits for a line of the audit of what the broker, or an admin, did.
func audits(t *testing.T, nc *nats.Conn, did string) wire.Audit {
	t.Helper()
	var e wire.Audit
	stream, err := natstest.JetStream(t, nc).Stream(t.Context(), wire.AuditStream)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the audit has "+did, func() bool {
		m, err := stream.GetLastMsgForSubject(t.Context(), "audit.access")
		return err == nil && json.Unmarshal(m.Data, &e) == nil && e.Did == did
	})
	return e
}

func in(t *testing.T, s natstest.Secure, name string, role wire.Role) (identity.Identity, string) {
	t.Helper()
	return joined(t, s.Invite(t, wire.AccessCommand{Op: wire.AccessToken, Name: name, Role: role}))
}

// TestAttack_PushOut floods with one stolen key, as fast as it goes, a stream
// full of what others measured: it is cut off, and most of that is still there.
func TestAttack_PushOut(t *testing.T) {
	need.Time(t)
	if race.Enabled {
		t.Skip("what is left of a full store is a matter of size, which the plain run shows: TestSuspend_EndsByItself and its like flood under the race detector")
	}
	const size, part = 512 << 20, 1.0 / 8
	s := natstest.StartSecureWith(t, natstest.Setup{Limits: results(size), Share: access.Share{Part: part}, Before: func(controller *nats.Conn) {
		storeMany(t, controller, "oslo", size/(64<<10), 64<<10-200)
	}})
	id, dir := in(t, s, "paris", wire.RoleAgent)
	thief, cut := watched(t, id, dir)
	begin := time.Now()
	sent := flood(thief, "paris", 64<<10-200)
	isCut(t, "the thief", cut)
	took := time.Since(begin)
	if _, err := connect(t, id, dir); err == nil {
		t.Error("the thief comes in again")
	}

	controller := s.As(t, access.Controller, "controller")
	stream, err := natstest.JetStream(t, controller).Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	until(t, "all that came in is stored", func() bool {
		time.Sleep(200 * time.Millisecond)
		info, err := stream.Info(t.Context())
		still := err == nil && info.State.LastSeq == last
		if err == nil {
			last = info.State.LastSeq
		}
		return still
	})
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(wire.AllResults))
	if err != nil {
		t.Fatal(err)
	}
	left, stored := 0, 0
	for subject, n := range info.State.Subjects {
		if strings.HasPrefix(subject, "results.oslo.") {
			left += int(n) * (64 << 10)
		} else {
			stored += int(n) * (64 << 10)
		}
	}
	t.Logf("cut off after %v; sent %d MiB, stored %d MiB; of %d MiB of others %d MiB are left", took, sent>>20, stored>>20, size>>20, left>>20)
	if left < size/8 {
		t.Error("too little is left of what others stored")
	}
	// What it stored beyond its share, at its own speed; and what the server had
	// taken in before, which is at most 128 MiB.
	beyond := max(0, float64(stored)-part*size-128<<20)
	late := time.Duration(float64(took) * beyond / float64(stored))
	t.Logf("it stored for %v above its share", late)
	if late > 20*time.Second { // well under 2 s where nothing else runs
		t.Errorf("it stored for %v above its share", late)
	}
	e := audits(t, controller, "suspend")
	t.Logf("audit: %+v", e)
	if e.By != "the broker" || len(e.What) != 1 || e.What[0] != "paris" || !e.OK {
		t.Errorf("audit: %+v", e)
	}
}

// watched connects, and reports when the server cuts the connection.
func watched(t *testing.T, id identity.Identity, dir string) (*nats.Conn, <-chan struct{}) {
	t.Helper()
	cut := make(chan struct{})
	nc, err := connect(t, id, dir, nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(cut) }))
	if err != nil {
		t.Fatal(err)
	}
	return nc, cut
}

func isCut(t *testing.T, who string, cut <-chan struct{}) {
	t.Helper()
	select {
	case <-cut:
	case <-time.After(60 * time.Second):
		t.Fatal("still connected: " + who)
	}
}

// stored waits until the servers have stored all that they took in. How much a
// cluster takes in ahead has no bound that the share could know: who is let in
// again before is suspended again.
func stored(t *testing.T, s natstest.Mesh) {
	t.Helper()
	stream, err := natstest.JetStream(t, s.As(t, access.Controller, "controller")).Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	last, since := uint64(0), time.Now()
	until(t, "all is stored", func() bool {
		info, err := stream.Info(t.Context())
		if err == nil && info.State.LastSeq != last {
			last, since = info.State.LastSeq, time.Now()
		}
		return err == nil && time.Since(since) > 2*time.Second
	})
}

// TestSuspend_WhoFloodsOnly floods by tiny messages on long subjects, which no
// count of payloads shows, while another agent delivers a backlog within its share.
func TestSuspend_WhoFloodsOnly(t *testing.T) {
	need.Time(t)
	size, many := int64(160<<20), 50_000
	if race.Enabled {
		size, many = size/4, many/4
	}
	s := natstest.StartSecureWith(t, natstest.Setup{Limits: results(size)})
	parisID, parisDir := in(t, s, "paris", wire.RoleAgent)
	osloID, osloDir := in(t, s, "oslo", wire.RoleAgent)
	annaID, annaDir := in(t, s, "anna", wire.RoleAdmin)
	paris, err := connect(t, parisID, parisDir)
	if err != nil {
		t.Fatal(err)
	}
	storeMany(t, paris, "paris", many, 900) // 45 of 60 MiB, or a quarter of both
	oslo, cut := watched(t, osloID, osloDir)
	long := strings.Repeat("x", 3900)
	for i := 0; oslo.Publish(fmt.Sprintf("results.oslo.%s%d", long, i%100), nil) == nil; i++ {
	}
	isCut(t, "oslo", cut)
	anna, err := connect(t, annaID, annaDir)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "oslo alone is suspended", func() bool {
		all := identities(t, anna, annaDir)
		return all["oslo"].State == "suspended" && strings.Contains(all["oslo"].Why, "MiB") && !all["oslo"].Until.IsZero() && all["paris"].State == "joined"
	})
	if !paris.IsConnected() || paris.Stats().Reconnects > 0 {
		t.Error("paris was cut off")
	}
	if err := ask(paris, message("results.paris.web", "{}")); err != nil {
		t.Error(err)
	}
}

// TestSuspend_EndsByItself lets who was suspended in again when its time is over.
func TestSuspend_EndsByItself(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecureWith(t, natstest.Setup{Limits: results(64 << 20), Share: access.Share{Whole: 8 * time.Second}})
	id, dir := in(t, s, "paris", wire.RoleAgent)
	nc, cut := watched(t, id, dir)
	flood(nc, "paris", 32<<10)
	isCut(t, "paris", cut)
	// A slow disk may still store what it sent before, and have it suspended once more.
	until(t, "it comes in again, and stores", func() bool {
		back, err := connect(t, id, dir)
		return err == nil && ask(back, message("results.paris.web", "{}")) == nil
	})
	e := audits(t, s.As(t, access.Controller, "controller"), "resume")
	if e.By != "the broker" || len(e.What) != 1 || e.What[0] != "paris" {
		t.Errorf("audit: %+v", e)
	}
}

// TestSuspend_RestartAndAdmin holds over a restart, until an admin ends it.
func TestSuspend_RestartAndAdmin(t *testing.T) {
	store := t.TempDir()
	var paris, anna identity.Identity
	var parisDir, annaDir string
	whole := t // whose folders stay
	t.Run("suspended", func(t *testing.T) {
		s := natstest.StartSecureWith(t, natstest.Setup{Store: store, Limits: results(64 << 20)})
		paris, parisDir = in(whole, s, "paris", wire.RoleAgent)
		anna, annaDir = in(whole, s, "anna", wire.RoleAdmin)
		nc, cut := watched(t, paris, parisDir)
		flood(nc, "paris", 32<<10)
		isCut(t, "paris", cut)
	})
	t.Run("restarted", func(t *testing.T) {
		s := natstest.StartSecureWith(t, natstest.Setup{Store: store, Limits: results(64 << 20)})
		paris.URL, anna.URL = s.URL(), s.URL()
		if _, err := connect(t, paris, parisDir); err == nil {
			t.Fatal("the restart lets it in")
		}
		admin, err := connect(t, anna, annaDir)
		if err != nil {
			t.Fatal(err)
		}
		if got := identities(t, admin, annaDir)["paris"]; got.State != "suspended" || got.Why == "" {
			t.Errorf("%+v", got)
		}
		if err := resume(admin, annaDir); err != nil {
			t.Fatal(err)
		}
		until(t, "it comes in again", func() bool {
			_, err := connect(t, paris, parisDir)
			return err == nil
		})
		if e := audits(t, s.As(t, access.Controller, "controller"), "resume"); e.By != "anna" {
			t.Errorf("audit: %+v", e)
		}
		if err := resume(admin, annaDir); err == nil || !strings.Contains(err.Error(), "is not suspended") {
			t.Errorf("resume once more: %v", err)
		}
	})
}

// TestSuspend_OnRealServers suspends and lets in again at one nats-server, and at
// a cluster of three.
func TestSuspend_OnRealServers(t *testing.T) {
	need.Time(t)
	t.Parallel()
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := startStandalone(t, n)
			s.serveWith(t, results(64<<20))
			parisID, parisDir := joined(t, s.invite(t, "paris", wire.RoleAgent))
			annaID, annaDir := joined(t, s.invite(t, "anna", wire.RoleAdmin))
			anna, err := connect(t, annaID, annaDir)
			if err != nil {
				t.Fatal(err)
			}
			parisID.URL = s.urls[n-1]
			nc, cut := watched(t, parisID, parisDir)
			flood(nc, "paris", 32<<10)
			isCut(t, "paris", cut)
			if _, err := connect(t, parisID, parisDir); err == nil {
				t.Error("it comes in again")
			}
			until(t, "it is listed", func() bool { return identities(t, anna, annaDir)["paris"].State == "suspended" })
			stored(t, s.mesh())
			if err := resume(anna, annaDir); err != nil {
				t.Fatal(err)
			}
			until(t, "it comes in again", func() bool {
				_, err := connect(t, parisID, parisDir)
				return err == nil
			})
		})
	}
}
