package host

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/broker/backup"
	"netmon/history/feed"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// TestHistory_BackupAndRestore: what is restored goes on with the minutes that it had.
func TestHistory_BackupAndRestore(t *testing.T) {
	need.Time(t)
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	hour := time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	sent := 0
	send := func(n int) {
		for range n {
			sent++
			r := wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "192.0.2.1:443", Epoch: "E6TGUCZCDN434QQK", Seq: uint64(sent), Run: uint64(sent), Due: hour.Add(time.Duration(sent) * time.Second), Started: hour, ElapsedNS: 1, Outcome: wire.OK, Revision: 1}
			data, err := json.Marshal(r)
			if err == nil {
				_, err = natstest.JetStream(t, nc).Publish(t.Context(), "results.paris.web", data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	send(100)
	folder := broker.HistoryFolder(b.Store())
	keeps(t, b, nc, folder, 100, func() {})
	if err := natstest.JetStream(t, nc).DeleteStream(t.Context(), wire.NoticesStream); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	m, err := backup.Take(t.Context(), nc, dir, backup.Options{History: CopyHistory(folder)})
	if err != nil || m.History == nil {
		t.Fatal(m, err)
	}
	store := filepath.Join(t.TempDir(), "store")
	if m, err = backup.Read(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Into(t.Context(), dir, m, store, backup.RestoreOptions{History: RestoreHistory(broker.HistoryFolder(store))}); err != nil {
		t.Fatal(err)
	}
	again, err := broker.Start(t.Context(), broker.Options{Listen: "127.0.0.1:0", Store: store})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := broker.Provision(t.Context(), natstest.JetStream(t, natstest.Connect(t, again)), broker.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	nc = natstest.Connect(t, again)
	keeps(t, again, nc, broker.HistoryFolder(store), 150, func() { send(50) })
}

// keeps runs a feeder until it tells of so many runs, in minutes.
func keeps(t *testing.T, b *broker.Broker, nc *nats.Conn, folder string, want uint64, begun func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		feed.New(feed.Options{Folder: folder, Connect: b.Connect}).Run(ctx)
	}()
	defer func() { cancel(); <-ended }()
	begun()
	data, err := json.Marshal(wire.HistoryQuery{What: wire.HistoryRollups, From: time.Now().Add(-4 * time.Hour), To: time.Now(), Step: wire.Duration(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	why := ""
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
		answer, err := nc.Request(wire.HistorySubject, data, 10*time.Second)
		var r wire.HistoryReply
		if err == nil {
			r, err = wire.DecodeHistoryReply(answer.Data)
		}
		n, rows := uint64(0), 0
		for _, s := range r.Series {
			for _, row := range s.Rows {
				n += row.Runs
				rows++
			}
		}
		if n == want && rows > 1 {
			return
		}
		why = fmt.Sprintf("%d runs in %d rows, %v", n, rows, err)
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s, want %d runs", why, want)
}
