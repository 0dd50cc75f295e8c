package tail_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/internal/badlink"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/tail"
)

const stream = "NUMBERS"

// numbers is a stream of numbered messages, on n.a and n.b in turn.
type numbers struct {
	t    *testing.T
	b    *broker.Broker
	js   jetstream.JetStream // of who writes
	last int
}

func newNumbers(t *testing.T) *numbers {
	n := &numbers{t: t, b: natstest.Start(t)}
	n.js = natstest.JetStream(t, natstest.Connect(t, n.b))
	n.create()
	return n
}

func (n *numbers) create() {
	n.t.Helper()
	if _, err := n.js.CreateStream(n.t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{"n.*"}}); err != nil {
		n.t.Fatal(err)
	}
}

// write stores so many more. The library waits no longer than 200 ms for a
// broker that is behind by more than 4,000.
func (n *numbers) write(count int) {
	n.t.Helper()
	for ; count > 0; count -= 1000 {
		n.writeAtOnce(min(count, 1000))
	}
}

func (n *numbers) writeAtOnce(count int) {
	n.t.Helper()
	var stored []jetstream.PubAckFuture
	for range count {
		n.last++
		f, err := n.js.PublishAsync([]string{"n.a", "n.b"}[n.last%2], fmt.Append(nil, n.last))
		if err != nil {
			n.t.Fatal(err)
		}
		stored = append(stored, f)
	}
	late := time.After(time.Minute)
	for _, f := range stored {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			n.t.Fatalf("not stored: %v", err)
		case <-late:
			n.t.Fatal("not stored")
		}
	}
}

// restart restarts the broker, until who writes has a connection to the new one:
// what it sent over the old one would be lost.
func (n *numbers) restart() {
	n.t.Helper()
	n.b = natstest.Restart(n.t, n.b)
	for {
		ctx, cancel := context.WithTimeout(n.t.Context(), time.Second)
		_, err := n.js.Stream(ctx, stream)
		cancel()
		if err == nil {
			return
		}
		if n.t.Context().Err() != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *numbers) open(js jetstream.JetStream, from tail.From) *tail.Tail {
	n.t.Helper()
	t, err := tail.Open(n.t.Context(), js, stream, from)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(t.Stop)
	return t
}

// want reads these numbers, in this order.
func (n *numbers) want(t *tail.Tail, want ...int) {
	n.t.Helper()
	limit := time.AfterFunc(30*time.Second, t.Stop)
	defer limit.Stop()
	for _, w := range want {
		m, _, err := t.Next()
		if err != nil {
			n.t.Fatalf("before %d: %v", w, err)
		}
		if got := string(m.Data); got != fmt.Sprint(w) {
			n.t.Fatalf("read %s, want %d", got, w)
		}
	}
}

func upTo(first, last int) (out []int) {
	for i := first; i <= last; i++ {
		out = append(out, i)
	}
	return out
}

func TestFrom(t *testing.T) {
	n := newNumbers(t)
	n.write(4)
	half := time.Now()
	n.write(4)
	for name, c := range map[string]struct {
		from tail.From
		left uint64
		want []int
	}{
		"the first":     {tail.From{}, 8, upTo(1, 9)},
		"new":           {tail.From{New: true}, 0, []int{9}},
		"after":         {tail.From{After: 6}, 2, []int{7, 8, 9}},
		"since":         {tail.From{Since: half}, 4, upTo(5, 9)},
		"last of each":  {tail.From{Last: true}, 2, []int{7, 8, 9}},
		"of one":        {tail.From{Subjects: []string{"n.b"}}, 4, []int{1, 3, 5, 7, 9}},
		"of both":       {tail.From{Subjects: []string{"n.a", "n.b"}, After: 7}, 1, []int{8, 9}},
		"last of one":   {tail.From{Subjects: []string{"n.b"}, Last: true}, 1, []int{7, 9}},
		"of one and on": {tail.From{Subjects: []string{"n.a"}, New: true}, 0, nil},
	} {
		tl := n.open(n.js, c.from)
		if tl.Left() != c.left {
			t.Errorf("%s: %d left, want %d", name, tl.Left(), c.left)
		}
		defer func() { n.want(tl, c.want...) }()
	}
	n.write(1)
}

func TestOpen_SaysWhyNot(t *testing.T) {
	n := newNumbers(t)
	if _, err := tail.Open(t.Context(), n.js, "NONE", tail.From{}); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a stream that is not there: %v", err)
	}
}

func TestNext_EndsWithItsContext(t *testing.T) {
	n := newNumbers(t)
	ctx, cancel := context.WithCancel(t.Context())
	tl, err := tail.Open(ctx, n.js, stream, tail.From{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, _, err := tl.Next()
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v", err)
	}
	stopped := n.open(n.js, tail.From{})
	stopped.Stop()
	if _, _, err := stopped.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("Next after Stop: %v", err)
	}
	nc := natstest.Connect(t, n.b)
	closed := n.open(natstest.JetStream(t, nc), tail.From{})
	nc.Close()
	if _, _, err := closed.Next(); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("Next after the connection: %v", err)
	}
}

func TestNext_OutlivesTheBroker(t *testing.T) {
	n := newNumbers(t)
	n.write(3)
	tl := n.open(n.js, tail.From{After: 1})
	n.want(tl, 2, 3)
	for range 3 {
		n.restart()
		n.write(2)
		n.want(tl, n.last-1, n.last)
	}
}

// TestNext_HasNoHoles cuts the reader's link while much is under way.
func TestNext_HasNoHoles(t *testing.T) {
	n := newNumbers(t)
	link := badlink.New(t, strings.TrimPrefix(n.b.URL(), "nats://"))
	nc, err := nats.Connect(link.Addr(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	n.write(20_000)
	tl := n.open(natstest.JetStream(t, nc), tail.From{})
	for i := range 5 {
		n.want(tl, upTo(i*4000+1, i*4000+4000)...)
		link.Cut()
		link.Heal()
	}
}

func TestNext_StreamMadeAnew(t *testing.T) {
	n := newNumbers(t)
	n.write(3)
	tl := n.open(n.js, tail.From{New: true})
	told := make(chan error, 10)
	tl.Trouble = func(err error) { told <- err }
	n.write(1)
	n.want(tl, 4)
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		n.want(tl, 5, 6)
	}()
	if err := n.js.DeleteStream(t.Context(), stream); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("while there is no stream: %v", err)
	}
	n.create()
	n.write(2)
	<-reading
	if err := <-told; err != nil {
		t.Errorf("when there is one: %v", err)
	}
}

// TestNext_AsksUnderAnotherName has a broker that never makes some consumers,
// as a cluster does that places them on a server that is dead.
func TestNext_AsksUnderAnotherName(t *testing.T) {
	need.Time(t)
	n := newNumbers(t)
	n.write(2)
	nc := natstest.Connect(t, n.b)
	var mu sync.Mutex
	var names []string
	swallow := 1
	_, err := nc.Subscribe("lossy.>", func(m *nats.Msg) {
		subject := "$JS.API." + strings.TrimPrefix(m.Subject, "lossy.")
		if strings.HasPrefix(subject, "$JS.API.CONSUMER.CREATE.") {
			mu.Lock()
			names = append(names, strings.Split(subject, ".")[5])
			swallow--
			lost := swallow >= 0
			mu.Unlock()
			if lost {
				return
			}
		}
		nc.PublishMsg(&nats.Msg{Subject: subject, Reply: m.Reply, Data: m.Data})
	})
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.NewWithAPIPrefix(nc, "lossy")
	if err != nil {
		t.Fatal(err)
	}
	tl := n.open(js, tail.From{}) // the first is never made
	n.want(tl, 1, 2)
	mu.Lock()
	swallow = 1
	made := names[len(names)-1]
	mu.Unlock()
	if err := n.js.DeleteConsumer(t.Context(), stream, made); err != nil {
		t.Fatal(err)
	}
	n.write(1)
	n.want(tl, 3)
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(names)
	if len(names) != 4 || len(slices.Compact(names)) != 4 {
		t.Errorf("consumers %q: want four names", names)
	}
}

// TestStop_LeavesNoConsumer: an identity may have so many, and commands that
// read for a moment come often.
func TestStop_LeavesNoConsumer(t *testing.T) {
	n := newNumbers(t)
	n.write(3)
	for range 3 {
		nc := natstest.Connect(t, n.b)
		tl, err := tail.Open(t.Context(), natstest.JetStream(t, nc), stream, tail.From{})
		if err != nil {
			t.Fatal(err)
		}
		tl.Stop()
		nc.Close()
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		s, err := n.js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		left := s.CachedInfo().State.Consumers
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d consumers are left", left)
		}
	}
}

// TestStop_WaitsForItsGoroutine: whoever stopped a tail may close the connection.
func TestStop_WaitsForItsGoroutine(t *testing.T) {
	n := newNumbers(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // what is not waited for has not run when Stop returns
	all := make([]byte, 1<<20)
	for range 50 {
		one, err := tail.Open(t.Context(), n.js, stream, tail.From{})
		if err != nil {
			t.Fatal(err)
		}
		one.Stop()
		if stacks := string(all[:runtime.Stack(all, true)]); strings.Contains(stacks, "netmon/internal/tail.") {
			t.Fatalf("it still watches:\n%s", stacks)
		}
	}
}

// TestGather: a reader that gathers asks so much less often, once it has read what was
// stored; that it reads at once.
func TestGather(t *testing.T) {
	n := newNumbers(t)
	const stored, later, gather = 4500, 10, 50 * time.Millisecond
	n.write(stored)
	asked := make(chan *nats.Msg, 10_000)
	sub, err := n.js.Conn().ChanSubscribe("$JS.API.CONSUMER.MSG.NEXT.>", asked)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	r := n.open(natstest.JetStream(t, natstest.Connect(t, n.b)), tail.From{Gather: time.Hour})
	n.want(r, upTo(1, stored)...)
	r.Stop()

	r = n.open(natstest.JetStream(t, natstest.Connect(t, n.b)), tail.From{New: true, Gather: gather})
	for len(asked) > 0 {
		<-asked
	}
	begin := time.Now()
	for i := range later {
		n.write(1)
		n.want(r, stored+i+1)
	}
	most := int(time.Since(begin)/gather) + 2
	if len(asked) > most {
		t.Errorf("it asked %d times in %v, want %d at most", len(asked), time.Since(begin), most)
	}
}
