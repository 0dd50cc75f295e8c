package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/broker/backup"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

func TestBackup_RestoresEverything(t *testing.T) {
	s := natstest.StartSecure(t)
	fill(t, s)
	paris, parisKey := s.LetIn(t, wire.RoleAgent, "paris")
	rome, romeKey := s.LetIn(t, wire.RoleAgent, "rome")
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna")
	reply, err := identity.NewRequests(signer, func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		return admin.RequestMsgWithContext(ctx, m)
	}).Do(t.Context(), wire.AccessAdminSubject, []byte(`{"op":"revoke","name":"rome"}`))
	if err != nil || !strings.Contains(string(reply.Data), `"ok":true`) {
		t.Fatalf("revoke: %s %v", reply.Data, err)
	}

	// Results flow while the backup is taken, and none is held up by it.
	ctx, stop := context.WithCancel(t.Context())
	flowed := make(chan int)
	flowing := make(chan struct{})
	was := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if _, err := was.Publish(context.Background(), "results.paris.live", fmt.Append(nil, n)); err != nil {
				t.Errorf("store a result during a backup: %v", err)
				break
			}
			if n == 100 {
				close(flowing)
			}
		}
		flowed <- n
	}()
	<-flowing
	for _, subject := range []string{"verdicts.web", "incidents.x", "keeper.position", "history.web.paris", "$KV.alerting.channel.hook"} {
		if _, err := was.Publish(t.Context(), subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "backup")
	m, err := take(t.Context(), t, s, dir, nil)
	stop()
	n := <-flowed
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, dir)
	if got.Messages() != m.Messages() || got.Access.Identities != m.Access.Identities || len(got.Streams) != 9 {
		t.Errorf("the manifest reads as %+v, and was %+v", got, m)
	}
	for i, want := range map[int]struct {
		name     string
		messages uint64
	}{1: {"KV_" + wire.AlertingBucket, 1}, 5: {wire.IncidentsStream, 2}, 6: {wire.VerdictsStream, 1}, 7: {wire.HistoryStream, 1}} {
		if v := got.Streams[i]; v.Name != want.name || v.Messages != want.messages {
			t.Errorf("stream %d: %+v, want %+v", i, v, want)
		}
	}
	results := got.Streams[8]
	if results.Messages < 97+100 || results.Messages > 97+uint64(n) || results.Largest < 100<<10 || !results.Counted {
		t.Errorf("results: %+v; %d flowed", results, n)
	}

	store := filepath.Join(t.TempDir(), "store")
	r, err := backup.Into(t.Context(), dir, got, store, backup.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Left[wire.ResultsStream] != results.Messages {
		t.Errorf("%d results are left of %d", r.Left[wire.ResultsStream], results.Messages)
	}
	_, before, _ := s.Trust()
	restored := natstest.StartSecureWith(t, natstest.Setup{Store: store})
	is := natstest.JetStream(t, restored.As(t, access.Controller, "controller"))
	wantSame(t, got, was, is)
	if _, after, _ := restored.Trust(); after <= before {
		t.Errorf("the list of those whose commands count has the number %d, and agents have seen %d", after, before)
	}

	// What is saved has its author's signature, and the bucket begins another life:
	// agents may have seen later revisions of the previous one.
	bucket, err := is.Stream(t.Context(), "KV_"+wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "old"} {
		saved, err := bucket.GetLastMsgForSubject(t.Context(), "$KV.monitors."+name)
		if err != nil {
			t.Fatal(err)
		}
		h := saved.Header
		if err := restored.CheckSaved(saved.Subject, h.Get("KV-Operation"), h.Get(wire.AcceptedHeader), h.Get(wire.ProofHeader), saved.Data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if created := bucket.CachedInfo().Created; !created.After(got.Streams[0].Created) {
		t.Errorf("the bucket of monitors was made at %v, as before", created)
	}

	// The same message twice within the two minutes is stored once, as before.
	again := nats.NewMsg("results.paris.web")
	again.Header.Set("Nats-Msg-Id", fmt.Sprint(wire.MaxStored, 7))
	if ack, err := is.PublishMsg(t.Context(), again); err != nil || !ack.Duplicate {
		t.Errorf("a result that was stored before the backup: %+v %v", ack, err)
	}
	for _, c := range []struct {
		id   identity.Identity
		key  string
		isIn bool
	}{{paris, parisKey, true}, {rome, romeKey, false}} {
		own, err := c.id.Options(c.key)
		if err != nil {
			t.Fatal(err)
		}
		nc, err := nats.Connect(restored.Address, append(own, nats.NoReconnect())...)
		if (err == nil) != c.isIn {
			t.Errorf("%s comes in: %v, want %v", c.id.Credential.Name, err, c.isIn)
		}
		if err == nil {
			nc.Close()
		}
	}
}

func TestBackup_OfAMeshThatAsksNobody(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	for i := range 10 {
		if _, err := js.Publish(t.Context(), "results.paris.web", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir() // empty, but there
	if _, err := backup.Take(t.Context(), nc, dir, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	m := read(t, dir)
	if m.Access != nil {
		t.Errorf("it has an authority: %+v", m.Access)
	}
	store := t.TempDir()
	if _, err := backup.Into(t.Context(), dir, m, store, backup.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := broker.Start(t.Context(), broker.Options{Listen: "127.0.0.1:0", Store: store})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	wantSame(t, m, js, natstest.JetStream(t, natstest.Connect(t, again)))
}

// TestRestore_AnotherAge keeps results longer than they were.
func TestRestore_AnotherAge(t *testing.T) {
	dir, _ := filled(t)
	store := t.TempDir()
	const year = 365 * 24 * time.Hour
	r, err := backup.Into(t.Context(), dir, read(t, dir), store, backup.RestoreOptions{Ages: map[string]time.Duration{wire.ResultsStream: year}})
	if err != nil {
		t.Fatal(err)
	}
	s := natstest.StartSecureWith(t, natstest.Setup{Store: store, Limits: broker.Limits{Replicas: 1}})
	results, err := natstest.JetStream(t, s.As(t, access.Controller, "controller")).Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if age := results.CachedInfo().Config.MaxAge; age != year || r.Ages[wire.ResultsStream] != year {
		t.Errorf("results are kept for %v, it says %v, want %v", age, r.Ages, year)
	}
}

func TestBackup_RefusesWhatItCannotDo(t *testing.T) {
	dir, s := filled(t)
	want := func(err error, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if err == nil || !strings.Contains(err.Error(), p) {
				t.Errorf("%v: want %q in it", err, p)
			}
		}
	}
	_, err := take(t.Context(), t, s, dir, nil)
	want(err, dir, "already has a backup", "give another folder")
	read(t, dir) // it is as it was

	unfinished := t.TempDir()
	if err := os.WriteFile(filepath.Join(unfinished, "RESULTS.snapshot"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = take(t.Context(), t, s, unfinished, nil)
	want(err, unfinished, "not empty", "RESULTS.snapshot")
	_, err = backup.Read(unfinished)
	want(err, unfinished, "manifest.json", "was interrupted")
	_, err = backup.Read(filepath.Join(unfinished, "none"))
	want(err, "no such file")

	m := read(t, dir)
	_, err = backup.Into(t.Context(), dir, m, s.Store(), backup.RestoreOptions{})
	want(err, s.Store(), "keys of a mesh", "another store folder")
	if _, err := os.Stat(filepath.Join(s.Store(), "access", "keys.json")); err != nil {
		t.Errorf("the store in use: %v", err)
	}
	plain := natstest.Start(t)
	_, err = backup.Into(t.Context(), dir, m, plain.Store(), backup.RestoreOptions{})
	want(err, plain.Store(), "streams")
}

// TestBackup_Interrupted ends both directions midway, as Ctrl-C does: nothing is left.
func TestBackup_Interrupted(t *testing.T) {
	dir, s := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	half := filepath.Join(t.TempDir(), "half")
	_, err := take(ctx, t, s, half, func(backup.Progress) { cancel() }) // the first stream is done
	if !errors.Is(err, context.Canceled) {
		t.Errorf("backup: %v", err)
	}
	wantEmpty(t, half)

	ctx, cancel = context.WithCancel(t.Context())
	store := filepath.Join(t.TempDir(), "store")
	_, err = backup.Into(ctx, dir, read(t, dir), store, backup.RestoreOptions{Progress: func(p backup.Progress) {
		if p.Done {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("restore: %v", err)
	}
	wantEmpty(t, store)
}
