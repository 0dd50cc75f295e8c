package access_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/broker/backup"
	"netmon/internal/need"
	"netmon/wire"
)

// TestStandalone_Backup copies a cluster, with three copies of each stream, while
// its controller has the authority open, and puts the streams back at it.
func TestStandalone_Backup(t *testing.T) {
	need.Time(t)
	t.Parallel()
	s := startStandalone(t, 3)
	limits := broker.DefaultLimits()
	limits.Replicas = 3
	s.serveWith(t, limits)
	folder := filepath.Dir(s.a.Admin())
	r, err := access.OpenReadOnly(folder)
	if err != nil {
		t.Fatal(err)
	}
	own, err := r.Connect(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(s.url, append(own, nats.NoReconnect())...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	for i := range n {
		if _, err := js.Publish(t.Context(), "results.paris.web", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "backup")
	m, err := backup.Take(t.Context(), nc, dir, backup.Options{Access: r})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SameAuthority(dir, folder); err != nil {
		t.Error(err)
	}
	if _, err := backup.Streams(t.Context(), nc, dir, m, backup.RestoreOptions{}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("restore over streams that are there: %v", err)
	}
	for _, stream := range m.Streams {
		if err := js.DeleteStream(t.Context(), stream.Name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := backup.Streams(t.Context(), nc, dir, m, backup.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	results, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if info := results.CachedInfo(); info.State.Msgs != n || info.Config.Replicas != 3 || info.Config.MaxMsgSize != wire.MaxStored || info.Config.MaxAge != limits.ResultsAge {
		t.Errorf("restored %+v with %+v", info.State, info.Config)
	}
	// The folder that was copied serves as the authority of another host.
	other := filepath.Join(t.TempDir(), "access")
	if err := m.InstallAccess(t.Context(), dir, other); err != nil {
		t.Fatal(err)
	}
	a, err := access.Open(other, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if a.Pin() != s.a.Pin() {
		t.Error("agents pinned another authority")
	}
}
