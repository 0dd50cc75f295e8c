package agent

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent/spool"
	"netmon/broker"
	"netmon/internal/badlink"
	"netmon/internal/natstest"
	"netmon/internal/tail"
	"netmon/wire"
)

// eachStored reads the stream from its beginning to what is there now.
func eachStored(t *testing.T, nc *nats.Conn, take func(wire.Result)) {
	t.Helper()
	f, err := tail.Open(t.Context(), natstest.JetStream(t, nc), wire.ResultsStream, tail.From{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	for last, at := f.Stream().State.LastSeq, uint64(0); at < last; {
		m, meta, err := f.Next()
		if err != nil {
			t.Fatal(err)
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		take(r)
		at = meta.Sequence.Stream
	}
}

// numbersOf is the numbers of one agent's results by monitor, as they are stored.
func numbersOf(t *testing.T, nc *nats.Conn, agent string) map[string][]uint64 {
	t.Helper()
	out := map[string][]uint64{}
	eachStored(t, nc, func(r wire.Result) {
		if r.Agent == agent {
			out[r.Monitor] = append(out[r.Monitor], r.Seq)
		}
	})
	return out
}

func wantNumbers(t *testing.T, nc *nats.Conn, agent string, want map[string][]uint64) {
	t.Helper()
	if got := numbersOf(t, nc, agent); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("stored of %s: %v, want %v", agent, got, want)
	}
}

func upTo(first, last uint64) (out []uint64) {
	for n := first; n <= last; n++ {
		out = append(out, n)
	}
	return out
}

// usedUp publishes under ids as an agent called mallory may, on subjects of its own.
func usedUp(t *testing.T, nc *nats.Conn, ids ...string) {
	t.Helper()
	js := natstest.JetStream(t, nc)
	for _, id := range ids {
		ack, err := js.Publish(t.Context(), "results.mallory.x", []byte(`{"agent":"mallory","monitor":"x"}`), jetstream.WithMsgID(id))
		if err != nil || ack.Duplicate {
			t.Fatalf("publish under id %s: %+v, %v", id, ack, err)
		}
	}
}

// delivered waits until n results were measured, and all are with the stream.
func (l *live) delivered(n uint64) {
	l.t.Helper()
	await(l.t, l.reaches(func(pending int, seq uint64) bool { return pending == 0 && seq >= n }), "all results to be delivered")
}

// reaches is called when the spool's figures are as wanted.
func (l *live) reaches(want func(pending int, seq uint64) bool) <-chan bool {
	out := make(chan bool, 1)
	go func() {
		for l.t.Context().Err() == nil {
			if pending, seq, _ := l.spool.Figures(); want(pending, seq) {
				out <- true
				return
			}
			<-time.After(2 * time.Millisecond)
		}
	}()
	return out
}

func (l *live) measure(n int) {
	for range n {
		l.record(wire.Result{Monitor: "web", Kind: "tcp", Outcome: wire.OK, Started: time.Now().UTC()})
	}
}

// as connects an agent to a broker that has identities.
func as(s natstest.Secure, name string) func(...nats.Option) (*nats.Conn, error) {
	return func(o ...nats.Option) (*nats.Conn, error) {
		built, err := s.Outside(wire.RoleAgent, name)
		if err != nil {
			return nil, err
		}
		return nats.Connect(s.URL(), append(built, o...)...)
	}
}

// TestAttack_IDs: mallory, an agent by its own right, reads what oslo stored,
// and uses up the ids of the results that come next.
func TestAttack_IDs(t *testing.T) {
	s := natstest.StartSecure(t)
	viewer, mallory := s.As(t, wire.RoleViewer, "vera"), s.As(t, wire.RoleAgent, "mallory")
	l := launch(t, "oslo", t.TempDir(), as(s, "oslo"))
	l.awaitOpen()
	l.measure(28)
	l.delivered(28)
	msg, err := viewer.Request("$JS.API.DIRECT.GET.RESULTS.results.oslo.web", nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	last, err := wire.DecodeResult("results.oslo.web", msg.Data)
	if err != nil || last.Seq != 28 {
		t.Fatalf("%+v %v", last, err)
	}
	// What follows from all that is known: the parts of the id that was used last.
	seen := msg.Header.Get(jetstream.MsgIDHeader)
	next := strings.Replace(seen, "-28", "-%d", 1)
	if next == seen {
		next = "oslo-" + last.Epoch + "-%d"
	}
	for n := 29; n <= 38; n++ {
		usedUp(t, mallory, fmt.Sprintf(next, n))
	}
	l.measure(10)
	l.delivered(38)
	wantNumbers(t, viewer, "oslo", map[string][]uint64{"web": upTo(1, 38)})
}

// useUp publishes under the ids that an agent's results from first to last will
// have, some of them for several attempts, as only the agent itself can compute.
func useUp(t *testing.T, nc *nats.Conn, l *live, first, last uint64) {
	t.Helper()
	key, after := l.spool.Secret()
	x := newIDs(l.o.ID, key, after)
	r, _, err := (&sender{agent: l.o.ID, api: &reach{}}).lastStored(t.Context(), nc, "web")
	if err != nil {
		t.Fatal(err)
	}
	for n := first; n <= last; n++ {
		it := &item{Record: spool.Record{Epoch: r.Epoch, Seq: n}}
		for ; it.attempt < uint32(n%3); it.attempt++ {
			usedUp(t, nc, x.of(it))
		}
	}
}

// TestAgent_UsedUpIDs: even who knows the ids keeps no result from the stream.
func TestAgent_UsedUpIDs(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	l := launch(t, "oslo", t.TempDir(), over(b))
	l.awaitOpen()
	l.measure(5)
	l.delivered(5)
	useUp(t, nc, l, 6, 10)
	l.measure(10)
	l.delivered(15)
	wantNumbers(t, nc, "oslo", map[string][]uint64{"web": upTo(1, 15)})
}

// TestAgent_UsedUpIDsFarAway: where several results are in flight at once, those
// whose id was used up come after those behind them, and come once.
func TestAgent_UsedUpIDsFarAway(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	link := badlink.New(t, b.URL()[len("nats://"):])
	link.Delay(20 * time.Millisecond)
	l := launch(t, "oslo", t.TempDir(), func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect("nats://"+link.Addr(), o...) })
	l.awaitOpen()
	l.measure(5)
	l.delivered(5)
	useUp(t, nc, l, 6, 30)
	l.measure(40)
	l.delivered(45)
	got := numbersOf(t, nc, "oslo")["web"]
	slices.Sort(got)
	if want := upTo(1, 45); !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

// older is the spool of an agent paris as commit 142d1e8 left it: twelve
// results, of web and of db in turn, of which the first four were acknowledged.
func older(t *testing.T) (dir, epoch string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "spool"), os.DirFS("testdata/spool-142d1e8")); err != nil {
		t.Fatal(err)
	}
	return dir, "KYV43NYHCDXCLR6N"
}

// olderStored publishes what the older agent was sending when it ended.
func olderStored(t *testing.T, nc *nats.Conn, s *spool.Spool, epoch string, seqs ...uint64) {
	t.Helper()
	js := natstest.JetStream(t, nc)
	for _, r := range s.Read(100) {
		if !slices.Contains(seqs, r.Seq) {
			continue
		}
		ack, err := js.Publish(t.Context(), "results.paris."+r.Key, r.Data, jetstream.WithMsgID(fmt.Sprintf("paris-%s-%d", epoch, r.Seq)))
		if err != nil || ack.Duplicate {
			t.Fatalf("%+v %v", ack, err)
		}
	}
}

func peek(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(dir, "spool"))); err != nil {
		t.Fatal(err)
	}
	s, problem, err := spool.Open(copied, spool.Options{})
	if err != nil || problem != "" {
		t.Fatal(problem, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestAgent_DeliversWhatAnOlderOneKept: first, and nothing twice that was sent
// under its old id just before; nor is anything lost whose old id mallory used up.
func TestAgent_DeliversWhatAnOlderOneKept(t *testing.T) {
	s := natstest.StartSecure(t)
	viewer, mallory := s.As(t, wire.RoleViewer, "vera"), s.As(t, wire.RoleAgent, "mallory")
	dir, epoch := older(t)
	olderStored(t, s.As(t, wire.RoleAgent, "paris"), peek(t, dir), epoch, 5, 6, 7)
	for n := 8; n <= 12; n++ {
		usedUp(t, mallory, fmt.Sprintf("paris-%s-%d", epoch, n))
	}
	l := launch(t, "paris", dir, as(s, "paris"))
	l.awaitOpen()
	l.measure(3)
	l.delivered(15)
	wantNumbers(t, viewer, "paris", map[string][]uint64{"web": {5, 7, 9, 11, 13, 14, 15}, "db": {6, 8, 10, 12}})
}

// sending is a sender that has read its spool and waits to be run.
func sending(t *testing.T, b *broker.Broker, s *spool.Spool) *sender {
	t.Helper()
	x := newSender("paris", s, opened(natstest.Connect(t, b)), &reach{}, slog.New(slog.DiscardHandler), func(string) {})
	x.readSpool()
	return x
}

// deliver runs a sender until the spool is empty.
func deliver(t *testing.T, x *sender) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	ended := make(chan struct{})
	go func() { defer close(ended); x.run(ctx) }()
	for pending := 1; pending > 0 && ctx.Err() == nil; pending, _, _ = x.spool.Figures() {
		select {
		case <-x.acked:
		case <-ctx.Done():
			t.Error("not everything was delivered")
		}
	}
	stop()
	<-ended
}

// TestSender_OldCopyThatComesLate: the stream was asked, had nothing, and then
// stored what the older agent had sent.
func TestSender_OldCopyThatComesLate(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	dir, epoch := older(t)
	x := sending(t, b, peek(t, dir))
	for _, q := range x.queues {
		q.uncertain = false // it was asked
	}
	olderStored(t, nc, peek(t, dir), epoch, 5, 6)
	deliver(t, x)
	wantNumbers(t, nc, "paris", map[string][]uint64{"web": {5, 7, 9, 11}, "db": {6, 8, 10, 12}})
}

// TestSender_TrustsNoOldAnswer: a copy of the stream that lags behind says that
// a result is not stored. Sent under another id, it is not stored a second time.
func TestSender_TrustsNoOldAnswer(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	dir, epoch := older(t)
	olderStored(t, nc, peek(t, dir), epoch, 5)
	x := sending(t, b, peek(t, dir))
	x.queues["web"].uncertain = false // the answer was that there is nothing
	it := x.queues["web"].items[0]
	it.again, it.conditional, it.attempt = true, true, 1
	deliver(t, x)
	wantNumbers(t, nc, "paris", map[string][]uint64{"web": {5, 7, 9, 11}, "db": {6, 8, 10, 12}})
}

// TestSender_LostSecret: what was sent under ids of the secret that is lost is
// found in the stream, and not stored again.
func TestSender_LostSecret(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	dir := t.TempDir()
	s, _, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := s.Append("web", func(buf []byte, epoch string, seq, run uint64) ([]byte, error) {
			r := wire.Result{Agent: "paris", Monitor: "web", Outcome: wire.OK, Epoch: epoch, Seq: seq, Run: run}
			return r.AppendJSON(buf)
		}); err != nil {
			t.Fatal(err)
		}
	}
	key, after := s.Secret()
	x := newIDs("paris", key, after)
	js := natstest.JetStream(t, nc)
	for _, r := range s.Read(4) { // and no word of it came back
		if _, err := js.Publish(t.Context(), "results.paris.web", r.Data, jetstream.WithMsgID(x.of(&item{Record: r}))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "spool", "secret.json")); err != nil {
		t.Fatal(err)
	}
	deliver(t, sending(t, b, peek(t, dir)))
	wantNumbers(t, nc, "paris", map[string][]uint64{"web": upTo(1, 10)})
}

func TestIDs(t *testing.T) {
	key := make([]byte, 32)
	x := newIDs("oslo", key, 10)
	of := func(x *ids, epoch string, seq uint64, attempt uint32, again bool) string {
		return x.of(&item{Record: spool.Record{Epoch: epoch, Seq: seq}, attempt: attempt, again: again})
	}
	const epoch = "KYV43NYHCDXCLR6N"
	other := newIDs("oslo", append(make([]byte, 31), 1), 10)
	seen := map[string]bool{}
	for i, id := range []string{of(&x, epoch, 11, 0, false), of(&x, epoch, 12, 0, false), of(&x, epoch, 11, 1, false), of(&x, epoch[1:]+"A", 11, 0, false), of(&other, epoch, 11, 0, false)} {
		if len(id) != 22 || seen[id] || strings.Contains(id, epoch) {
			t.Errorf("id %d is %q", i, id)
		}
		seen[id] = true
	}
	if a, b := of(&x, epoch, 11, 0, false), of(&x, epoch, 11, 0, true); a != b {
		t.Errorf("sent again it is %q, before it was %q", b, a)
	}
	// What an older agent may have sent keeps its id, and no other one has one like it.
	if id := of(&x, epoch, 10, 0, true); id != "oslo-"+epoch+"-10" {
		t.Errorf("id %q", id)
	}
	if a, b := of(&x, epoch, 10, 0, false), of(&x, epoch, 10, 1, true); len(a) != 22 || len(b) != 22 {
		t.Errorf("ids %q, %q", a, b)
	}
	it := &item{Record: spool.Record{Epoch: epoch, Seq: 1 << 40}}
	if n := testing.AllocsPerRun(100, func() { x.of(it) }); n > 1 {
		t.Errorf("%v allocations, want that of the string alone", n)
	}
}
