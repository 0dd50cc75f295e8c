package feed

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// readAndOffer reads the stream as a judge does, and offers all of it, until ctx ends.
func readAndOffer(ctx context.Context, js jetstream.JetStream, from tail.From, offer func(Chunk)) error {
	t, err := tail.Open(ctx, js, wire.ResultsStream, from)
	if err != nil {
		return err
	}
	defer t.Stop()
	last := from.After
	var chunk []Result
	for {
		m, meta, err := t.Next()
		if err != nil {
			return err
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			return err
		}
		chunk = append(chunk, Result{Result: &r, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Pending: meta.NumPending})
		if t.More() && len(chunk) < 100 {
			continue
		}
		offer(Chunk{Created: t.Stream().Created, After: last, Results: chunk})
		last, chunk = meta.Sequence.Stream, nil
	}
}

// offers offers to a feeder, which leads meanwhile, until stop.
func (m *mesh) offers(f *Feeder, from tail.From, offer func(Chunk)) (stop func()) {
	ctx, cancel := context.WithCancel(m.t.Context())
	ended := make(chan struct{})
	go f.Lead(ctx)
	go func() {
		defer close(ended)
		readAndOffer(ctx, m.js, from, offer)
	}()
	return func() { cancel(); <-ended }
}

// readers waits until so many read RESULTS.
func (m *mesh) readers(want int) {
	m.t.Helper()
	m.eventually(func() error {
		s, err := m.js.Stream(m.t.Context(), wire.ResultsStream)
		if err != nil {
			return err
		}
		return wantLen(make([]struct{}, s.CachedInfo().State.Consumers), want)
	})
}

// TestFeeder_TakesWhatIsOffered: nobody but the judge reads while it offers, also where
// some of it is dropped, and each result counts once.
func TestFeeder_TakesWhatIsOffered(t *testing.T) {
	m := newMesh(t)
	from := morning()
	m.sends(30, "paris", "web", from) // before anybody offers
	f, _ := m.feeder(t.TempDir(), func(f *Feeder) { f.offers.most = 30 })
	m.wantSums(from, from.Add(time.Hour), map[string]uint64{"web on paris ok": 27, "web on paris failed": 3})
	m.readers(1)
	lost := 0
	stop := m.offers(f, tail.From{After: 10}, func(c Chunk) {
		if len(c.Results) > 30 { // it finds no room
			lost++
		}
		f.Offer(c)
	})
	want := map[string]uint64{"web on paris ok": 27, "web on paris failed": 3}
	for i := range 20 {
		m.sends(50, "paris", "web", from.Add(time.Duration(i)*time.Minute))
		want["web on paris ok"] += 45
		want["web on paris failed"] += 5
		m.wantSums(from, from.Add(time.Hour), want)
	}
	stop()
	t.Logf("%d chunks were lost", lost)
	m.sends(10, "paris", "web", from)
	want["web on paris ok"] += 9
	want["web on paris failed"]++
	m.wantSums(from, from.Add(time.Hour), want)
	m.readers(1) // it reads again

	stop = m.offers(f, tail.From{New: true}, f.Offer)
	defer stop()
	m.readers(2)
	m.sends(10, "paris", "web", from)
	m.sends(10, "paris", "web", from)
	want["web on paris ok"] += 18
	want["web on paris failed"] += 2
	m.wantSums(from, from.Add(time.Hour), want)
	m.readers(1) // the judge
	if gaps := f.status.gaps; len(gaps) > 0 {
		t.Errorf("gaps %+v", gaps)
	}
}

// TestFeeder_LeadersChange: two take it in turns to lead, and each counts everything once.
func TestFeeder_LeadersChange(t *testing.T) {
	m := newMesh(t)
	from := morning()
	both := []*Feeder{}
	for range 2 {
		f, _ := m.feeder(t.TempDir(), nil)
		both = append(both, f)
	}
	const rounds, each = 8, 300
	for i := range rounds {
		f := both[i%2]
		stop := m.offers(f, tail.From{After: uint64(max(0, each*i-7))}, f.Offer) // from its checkpoint on
		m.sends(each, "paris", "web", from.Add(time.Duration(i)*time.Minute))
		stop()
	}
	for _, f := range both {
		m.eventually(func() error {
			r, err := f.query(t.Context(), wire.HistoryQuery{What: wire.HistoryRollups, From: from, To: from.Add(time.Hour), Step: wire.Duration(time.Hour)})
			if err != nil || len(r.Series) != 1 || len(r.Series[0].Rows) != 1 {
				return wantLen(r.Series, 1)
			}
			return wantLen(make([]struct{}, r.Series[0].Rows[0].Runs), rounds*each)
		})
	}
}

// TestFeeder_StuckFileStopsNobody: while the file cannot be written, whoever offers goes on,
// memory is bounded, and afterwards all of it counts once.
func TestFeeder_StuckFileStopsNobody(t *testing.T) {
	m := newMesh(t)
	from := morning()
	folder := t.TempDir()
	f, _ := m.feeder(folder, func(f *Feeder) { f.addedMost = 1000 })
	m.sends(10, "paris", "web", from)
	want := map[string]uint64{"web on paris ok": 9, "web on paris failed": 1}
	m.wantSums(from, from.Add(time.Hour), want)

	release := holdFile(t, folder)
	through := make(chan uint64, 1000)
	stop := m.offers(f, tail.From{}, func(c Chunk) {
		f.Offer(c)
		through <- c.Results[len(c.Results)-1].Sequence
	})
	defer stop()
	const rounds, each = 5, 5000
	for i := range rounds {
		m.sends(each, "paris", "web", from.Add(time.Duration(i)*time.Second))
		for seq := range through { // it was offered, though nothing is written
			if seq == uint64(10+each*(i+1)) {
				break
			}
		}
		f.offers.mu.Lock()
		queued := f.offers.queued
		f.offers.mu.Unlock()
		if queued > offeredMost {
			t.Errorf("%d results wait", queued)
		}
	}
	release()
	want["web on paris ok"] += rounds * each * 9 / 10
	want["web on paris failed"] += rounds * each / 10
	m.wantSums(from, from.Add(3*time.Hour), want)
}

// holdFile keeps everybody else from writing to the file in a folder, until release.
func holdFile(t *testing.T, folder string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(folder, FileName)+"?_pragma=busy_timeout(5000)") // it may be written just now
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	held, err := db.Conn(t.Context())
	if err == nil {
		_, err = held.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := held.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}
