package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/probes/kinds"
	"netmon/wire"
)

// fake is a receiver that remembers what it took.
type fake struct {
	mu       sync.Mutex // guards what follows
	results  []uint64
	changes  []uint64
	repeats  []Verdict
	verdicts []Verdict
	batches  int
	answer   func(*Batch) error
}

func (f *fake) Send(_ context.Context, b *Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answer != nil {
		if err := f.answer(b); err != nil {
			return err
		}
	}
	f.batches++
	for _, r := range b.Results {
		f.results = append(f.results, r.Sequence)
	}
	for _, v := range b.Verdicts {
		f.verdicts = append(f.verdicts, v)
		if v.Change != nil {
			f.changes = append(f.changes, v.Sequence)
		} else {
			f.repeats = append(f.repeats, v)
		}
	}
	return nil
}

func (f *fake) change(by func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by()
}

func (f *fake) took() (results, changes []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.results), slices.Clone(f.changes)
}

// pusher runs one in this process, and returns what ends it and gives its error.
type running struct {
	*Pusher
	log  *testlog.Buffer
	said *testlog.Buffer

	ended chan struct{}
	stop  func() error
}

func (m *mesh) pusher(folder string, to ...Destination) *running {
	m.t.Helper()
	return m.pusherWithin(bounds{aheadMost, windowMost}, folder, to...)
}

func (m *mesh) pusherWithTags(tags *Tags, folder string, to ...Destination) *running {
	m.t.Helper()
	return m.startPusher(tags, bounds{aheadMost, windowMost}, folder, to...)
}

func (m *mesh) pusherWithin(most bounds, folder string, to ...Destination) *running {
	m.t.Helper()
	return m.startPusher(&Tags{}, most, folder, to...)
}

func (m *mesh) startPusher(tags *Tags, most bounds, folder string, to ...Destination) *running {
	m.t.Helper()
	r := &running{log: &testlog.Buffer{}, said: &testlog.Buffer{}, ended: make(chan struct{})}
	var err error
	r.Pusher, err = New(m.t.Context(), Options{JetStream: m.js, Folder: folder, All: true, Destinations: to, Tags: tags, Log: slog.New(slog.NewTextHandler(r.log, nil)), Say: func(line string) { fmt.Fprintln(r.said, line) }})
	if err != nil {
		m.t.Fatal(err)
	}
	r.pause, r.most = 10*time.Millisecond, most
	ctx, cancel := context.WithCancel(m.t.Context())
	end := make(chan error, 1)
	go func() {
		end <- r.Run(ctx)
		close(r.ended)
	}()
	r.stop = sync.OnceValue(func() error {
		cancel()
		err := <-end
		r.Close()
		return err
	})
	m.t.Cleanup(func() { _ = r.stop() })
	return r
}

func to(name string, s Sink) Destination {
	return Destination{Name: name, File: name, Sink: s, Most: 100, Every: time.Millisecond}
}

func wantInOrder(t *testing.T, what string, got []uint64, from, through uint64) {
	t.Helper()
	var want []uint64
	for n := from; n <= through; n++ {
		want = append(want, n)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %d of them %v…, want %d to %d", what, len(got), got[:min(10, len(got))], from, through)
	}
}

func (f *fake) has(n int) func() bool {
	return func() bool { r, _ := f.took(); return len(r) >= n }
}

// TestPusher_OwnPace: a receiver that is down holds up nobody, and gets all of it later, in
// order; and another start continues where this one ended.
func TestPusher_OwnPace(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	down := errors.New("connection refused")
	fast, slow := &fake{}, &fake{answer: func(*Batch) error { return down }}
	p := m.pusher(folder, to("fast", fast), to("slow", slow))
	m.sends(3000)
	eventually(t, "the fast one has all", fast.has(3000))
	eventually(t, "the slow one is reported", func() bool {
		return p.said.Count("slow: connection refused") == 1 && p.Stats()[1].Failing && p.Stats()[1].Retries > 3
	})
	if p.said.Count("slow: connection refused") != 1 {
		t.Errorf("said %s", p.said)
	}
	slow.change(func() { slow.answer = nil })
	eventually(t, "the slow one has all", slow.has(3000))
	eventually(t, "that is reported", func() bool { return p.said.Count("slow: works again") == 1 && p.said.Count("slow: caught up") == 1 })
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	m.sends(500)
	p = m.pusher(folder, to("fast", fast), to("slow", slow))
	eventually(t, "both have the rest", func() bool { return fast.has(3500)() && slow.has(3500)() })
	for _, s := range p.Stats() {
		if s.Results != 500 || s.Failing || len(s.Refused) > 0 || s.Missing > 0 {
			t.Errorf("%+v", s)
		}
	}
	_ = p.stop()
	for name, f := range map[string]*fake{"fast": fast, "slow": slow} {
		got, _ := f.took()
		wantInOrder(t, name, got, 1, 3500)
	}
}

// TestPusher_OutOfTheWindow: who is too far behind for what the source keeps reads by
// itself, and joins the others again.
func TestPusher_OutOfTheWindow(t *testing.T) {
	m := newMesh(t)
	fast, slow := &fake{}, &fake{}
	free := make(chan struct{})
	slow.answer = func(*Batch) error {
		select {
		case <-free:
		case <-t.Context().Done():
		}
		return nil
	}
	m.sends(10)
	p := m.pusherWithin(bounds{ahead: 20 << 10, window: 300 << 10}, t.TempDir(), to("fast", fast), to("slow", slow))
	m.sends(1990)
	eventually(t, "the fast one has all", fast.has(2000))
	close(free)
	eventually(t, "the slow one has all", slow.has(2000))
	m.sends(500)
	eventually(t, "both have the rest", func() bool { return fast.has(2500)() && slow.has(2500)() })
	_ = p.stop()
	for _, f := range []*fake{slow, fast} {
		got, _ := f.took()
		wantInOrder(t, "each", got, 1, 2500)
	}
}

// TestPusher_Refused: what a receiver refuses costs nobody else a place.
func TestPusher_Refused(t *testing.T) {
	m := newMesh(t)
	bad := func(n uint64) bool { return n == 7 || n == 8 || n == 500 }
	f := &fake{answer: func(b *Batch) error {
		for _, r := range b.Results {
			if bad(r.Sequence) {
				return &Refusal{Reason: outOfOrder, Err: errors.New("400 out of order")}
			}
		}
		return nil
	}}
	m.sends(1000)
	p := m.pusher(t.TempDir(), to("picky", f))
	defer func() { g, _ := f.took(); t.Log(len(g), p.Stats(), p.log, p.said) }()
	eventually(t, "the others are taken", f.has(997))
	_ = p.stop()
	got, _ := f.took()
	slices.Sort(got) // parts are sent by series
	if got = slices.Compact(got); len(got) != 997 {
		t.Errorf("%d taken", len(got))
	}
	if s := p.Stats()[0]; s.Refused[outOfOrder] != 3 || s.Repeated != 0 {
		t.Errorf("%+v", s)
	}
	if p.log.Count("the receiver refuses") != 1 {
		t.Errorf("logged %s", p.log)
	}
}

// TestPusher_Gap: what was removed from the stream before it was sent is counted and logged.
func TestPusher_Gap(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	f := &fake{}
	p := m.pusher(folder, to("all", f))
	m.sends(100)
	eventually(t, "all is sent", f.has(100))
	_ = p.stop()
	m.sends(300)
	stream, err := m.js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeKeep(50)); err != nil {
		t.Fatal(err)
	}
	p = m.pusher(folder, to("all", f))
	eventually(t, "the rest is sent", f.has(150))
	_ = p.stop()
	if s := p.Stats()[0]; s.Missing != 250 || p.log.Count("from=101 to=350") != 1 {
		t.Errorf("%+v %s", s, p.log)
	}
}

// TestPusher_StreamRecreated: numbers begin again, and all of the new stream is sent.
func TestPusher_StreamRecreated(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	f := &fake{}
	recreate := func() {
		s, err := m.js.Stream(t.Context(), wire.ResultsStream)
		if err != nil {
			t.Fatal(err)
		}
		config := s.CachedInfo().Config
		if err := m.js.DeleteStream(t.Context(), wire.ResultsStream); err != nil {
			t.Fatal(err)
		}
		if _, err := m.js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	p := m.pusher(folder, to("all", f))
	m.sends(100)
	eventually(t, "all is sent", f.has(100))
	recreate() // while it runs
	m.sends(30)
	eventually(t, "the new stream is sent", f.has(130))
	_ = p.stop()
	recreate() // while it does not
	m.sends(20)
	p = m.pusher(folder, to("all", f))
	eventually(t, "the newest stream is sent", f.has(150))
	_ = p.stop()
	got, _ := f.took()
	wantInOrder(t, "the second life", got[100:130], 1, 30)
	wantInOrder(t, "the third life", got[130:], 1, 20)
}

// TestPusher_SameBatch: after an end in the middle of a batch the next start sends the same
// batch, whatever came meanwhile.
func TestPusher_SameBatch(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	bodyOf := func(b *Batch) string {
		b = b.of(b.items()...)
		b.tags = nil // labels are those of now after a start
		write, line := newWriteEncoder(kinds.All(), &Tags{}), newLineEncoder(kinds.All(), &Tags{})
		return string(write.encode(b)) + string(line.encode(b))
	}
	var first string
	tried := make(chan struct{})
	f := &fake{answer: func(b *Batch) error {
		if first == "" {
			first = bodyOf(b)
			close(tried)
		}
		return errors.New("the answer is lost")
	}}
	m.sends(37)
	p := m.pusher(folder, to("all", f))
	<-tried
	_ = p.stop()
	m.sends(500)
	again := ""
	f.change(func() {
		f.answer = func(b *Batch) error {
			if again == "" {
				again = bodyOf(b)
				if !b.Again {
					t.Error("it is not said that this is sent again")
				}
			}
			return nil
		}
	})
	p = m.pusher(folder, to("all", f))
	eventually(t, "all is sent", f.has(537))
	_ = p.stop()
	got, _ := f.took()
	wantInOrder(t, "all", got, 1, 537)
	if again != first {
		t.Errorf("%d bytes of the batch that is sent again, want those %d", len(again), len(first))
	}
}

// TestPusher_OneOfADestination: a second process is refused, in words that say what to do.
func TestPusher_OneOfADestination(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	p := m.pusher(folder, to("one", &fake{}))
	_, err := New(t.Context(), Options{JetStream: m.js, Folder: folder, Destinations: []Destination{to("one", &fake{}), to("two", &fake{})}})
	if err == nil || !strings.Contains(err.Error(), "one: another netmon export sends there") {
		t.Errorf("%v", err)
	}
	_ = p.stop()
	q, err := New(t.Context(), Options{JetStream: m.js, Folder: folder, Destinations: []Destination{to("one", &fake{}), to("two", &fake{})}})
	if err != nil {
		t.Fatal(err)
	}
	q.Close()
	files, _ := filepath.Glob(filepath.Join(folder, "one-*.lock"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	writeFile(t, strings.TrimSuffix(files[0], ".lock")+".json", "{")
	if _, err := New(t.Context(), Options{JetStream: m.js, Folder: folder, Destinations: []Destination{to("one", &fake{})}}); err == nil || !strings.Contains(err.Error(), "remove the file to begin with what comes next") {
		t.Errorf("%v", err)
	}
}

// TestPusher_Verdicts: changes come with their time, and states once a minute while they are
// saved, at times that do not depend on who repeats them.
func TestPusher_Verdicts(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	folder := t.TempDir()
	minute := time.Now().Truncate(time.Minute).Add(-10 * time.Minute).UTC()
	f := &fake{}
	d := to("all", f)
	d.Repeats = true
	m.verdict("web", wire.VerdictUp, minute.Add(-time.Hour))
	m.verdict("deleted", wire.VerdictUp, minute.Add(-time.Hour))
	p := m.pusher(folder, d)
	eventually(t, "the states are repeated", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.repeats) > 0 && len(f.changes) == 2 })
	_ = p.stop()
	if r := f.repeats[0]; r.Monitor != "web" || r.State != wire.VerdictUp || r.At.Unix()%60 != 0 || len(f.repeats) > 2 { // two where a minute ends meanwhile
		t.Errorf("%+v", f.repeats)
	}
	// Ten minutes nobody was there: what held is known for each of them.
	files, _ := filepath.Glob(filepath.Join(folder, "all-*.json"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	path := files[0]
	s, at, _, err := openStore(folder, strings.TrimSuffix(filepath.Base(path), ".json"))
	if err != nil {
		t.Fatal(err)
	}
	at.Minute = minute.Unix() / 60
	if err := s.write(at); err != nil {
		t.Fatal(err, path)
	}
	s.close()
	m.verdict("db", wire.VerdictDown, minute.Add(4*time.Minute+5*time.Second))
	f.change(func() { f.verdicts, f.repeats = nil, nil })
	p = m.pusher(folder, d)
	count := func(of string) (n int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, v := range f.repeats {
			if v.Monitor == of {
				n++
			}
		}
		return n
	}
	eventually(t, "the minutes are repeated", func() bool { return count("web") >= 9 && count("db") >= 5 })
	_ = p.stop()
	last := map[string]time.Time{}
	for _, v := range f.verdicts {
		if !v.At.After(last[v.Monitor]) {
			t.Errorf("%s at %v follows %v", v.Monitor, v.At, last[v.Monitor])
		}
		last[v.Monitor] = v.At
	}
	for _, v := range f.repeats {
		if v.Monitor == "db" && (v.State != wire.VerdictDown || v.At.Before(minute.Add(5*time.Minute))) || v.Monitor == "deleted" {
			t.Errorf("repeated %+v", v)
		}
	}
}

// closedPipe is standard output that nobody reads any more.
func closedPipe(t *testing.T) *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	return w
}

func TestPusher_ClosedOutput(t *testing.T) {
	m := newMesh(t)
	m.sends(10)
	p := m.pusher(t.TempDir(), NDJSONStream(closedPipe(t), "standard output"))
	select {
	case <-p.ended: // by itself
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "nobody reads it any more") {
		t.Errorf("%v", err)
	}
}

// TestPusher_Viewer: who may only look may export.
func TestPusher_Viewer(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	nc := s.As(t, wire.RoleViewer, "grafana")
	f := &fake{}
	d := to("all", f)
	d.Repeats = true
	p, err := New(t.Context(), Options{JetStream: natstest.JetStream(t, nc), Folder: t.TempDir(), Destinations: []Destination{d}, All: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- p.Run(ctx) }()
	agent := natstest.JetStream(t, s.As(t, wire.RoleAgent, "paris"))
	r := numbered(t, wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Started: time.Now().UTC(), Outcome: wire.OK}, 1)
	if _, err := agent.Publish(t.Context(), "results.paris.web", r.Data); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the result is taken", f.has(1))
	stop()
	if err := <-end; err != nil {
		t.Error(err)
	}
}
