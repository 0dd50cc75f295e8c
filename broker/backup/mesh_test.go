package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/broker/backup"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// fill gives a mesh results, of which one is larger than what may come now, a
// deleted one, monitors with a history, and a saved configuration.
func fill(t *testing.T, s natstest.Secure) {
	t.Helper()
	js := natstest.JetStream(t, s.As(t, access.Controller, "controller"))
	results, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := results.CachedInfo().Config
	large := config
	large.MaxMsgSize = -1
	for _, c := range []jetstream.StreamConfig{large, config} {
		if _, err := js.UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			m := nats.NewMsg("results.paris.web")
			m.Header.Set("Nats-Msg-Id", fmt.Sprint(c.MaxMsgSize, i))
			m.Data = fmt.Appendf(nil, `{"seq":%d}`, i)
			if i == 20 && c.MaxMsgSize < 0 {
				m.Data = bytes.Repeat([]byte("x"), 100<<10)
			}
			if _, err := js.PublishMsg(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, seq := range []uint64{1, 30, 100} { // at the ends, and between
		if err := results.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	who, dir := s.LetIn(t, wire.RoleOperator, "olga")
	cl, err := console.ConnectAs(console.Person{Name: "olga", Signer: identity.SignByFile(identity.Creds(dir)), Authority: who.Authority},
		func(o ...nats.Option) (*nats.Conn, error) {
			own, err := who.Options(dir)
			if err != nil {
				return nil, err
			}
			return nats.Connect(s.Address, append(own, o...)...)
		})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	store, err := cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := saved(t, `{"name":"web","kind":"tcp","target":"127.0.0.1:1","every":"1s"}`)
	for range 3 {
		if m.Revision, err = store.Save(t.Context(), m, "changed"); err != nil {
			t.Fatal(err)
		}
	}
	revision, err := store.Save(t.Context(), saved(t, `{"name":"old","kind":"tcp","target":"127.0.0.1:1","every":"1s"}`), "added")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Delete(t.Context(), "old", revision); err != nil {
		t.Fatal(err)
	}
	sets, err := cl.Sets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sets.Save(t.Context(), "office", console.Wanted{Monitors: []wire.Saved{m}}, console.Set{}); err != nil {
		t.Fatal(err)
	}
}

func saved(t *testing.T, text string) wire.Saved {
	t.Helper()
	m, err := wire.DecodeSaved([]byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// take copies a mesh as netmon backup does, beside the process that has it open.
func take(ctx context.Context, t *testing.T, s natstest.Secure, dir string, progress func(backup.Progress)) (*backup.Manifest, error) {
	t.Helper()
	a, err := access.OpenReadOnly(access.FolderOf(s.Store()))
	if err != nil {
		t.Fatal(err)
	}
	own, err := a.Connect(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(s.Address, append(own, nats.NoReconnect())...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	return backup.Take(ctx, nc, dir, backup.Options{Version: "test", Access: a, Progress: progress})
}

// filled is a backup of a mesh that has something of everything.
func filled(t *testing.T) (dir string, s natstest.Secure) {
	t.Helper()
	s = natstest.StartSecure(t)
	fill(t, s)
	dir = filepath.Join(t.TempDir(), "backup")
	if _, err := take(t.Context(), t, s, dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// read is a manifest that is fine.
func read(t *testing.T, dir string) *backup.Manifest {
	t.Helper()
	m, err := backup.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wantSame compares all messages of a backup's streams as they are at two servers.
func wantSame(t *testing.T, m *backup.Manifest, was, is jetstream.JetStream) {
	t.Helper()
	for _, s := range m.Streams {
		a, err := was.Stream(t.Context(), s.Name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := is.Stream(t.Context(), s.Name)
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		for seq := s.First; seq > 0 && seq <= s.LastSeq; seq++ {
			want, errA := a.GetMsg(t.Context(), seq)
			got, errB := b.GetMsg(t.Context(), seq)
			if (errA == nil) != (errB == nil) {
				t.Errorf("%s %d: there is %v, was %v", s.Name, seq, errB, errA)
			} else if errA == nil {
				n++
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s %d is %.300v, was %.300v", s.Name, seq, got, want)
				}
			}
		}
		if n != s.Messages {
			t.Errorf("%s: %d messages, and the manifest has %d", s.Name, n, s.Messages)
		}
		before, after := a.CachedInfo().Config, b.CachedInfo().Config
		before.Metadata, after.Metadata = nil, nil
		if !reflect.DeepEqual(after, before) {
			t.Errorf("%s is set to %+v, was %+v", s.Name, after, before)
		}
	}
}

// wantEmpty wants that nothing is left at a path.
func wantEmpty(t *testing.T, path string) {
	t.Helper()
	if list, err := os.ReadDir(path); err == nil {
		t.Errorf("%s was left, with %v", path, list)
	}
}
