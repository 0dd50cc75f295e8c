package screen

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/need"
	"netmon/wire"
)

// shown is a mesh without a broker, as a model.
type shown struct{ *view.Mesh }

func (s shown) Snapshot(q view.Query) view.Snapshot { return s.Mesh.Snapshot(q, time.Now()) }
func (shown) Link() console.Link                    { return console.Link{} }
func (shown) Troubles() []console.Trouble           { return nil }

func (shown) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// noting is an Actor that passes on what it is asked for.
type noting struct{ asked chan Request }

func (n noting) Do(_ context.Context, r Request) (string, error) {
	n.asked <- r
	return "done", nil
}

func (n noting) Take(context.Context, Request, io.Reader, io.Writer) (string, error) {
	return "", nil
}

func (n noting) Command(context.Context, string) (string, error) { return "", nil }
func (n noting) Run(context.Context, []string) string            { return "" }

// TestRun_LosesNoKeyUnder10000ResultsASecond types at the real program, by
// bytes, as a terminal would send them, while results come in: a filter with
// the name of a monitor, and the key that probes it.
func TestRun_LosesNoKeyUnder10000ResultsASecond(t *testing.T) {
	need.Time(t)
	const monitors, agents, long = 1000, 10, 3 * time.Second
	v := view.New(time.Now())
	for a := range agents {
		v.Heartbeat(wire.Alive{Agent: fmt.Sprintf("agent%d", a), At: time.Now()}, time.Now(), time.Now())
	}
	for m := range monitors {
		name := fmt.Sprintf("m%05d", m)
		v.Saved(name, &wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(time.Second)}}, nil, time.Now())
	}
	in, keys := io.Pipe()
	asked := noting{make(chan Request, 1)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(t.Context(), Options{Model: shown{v}, UI: New("nats://there:4222", nil), Actor: asked, Styles: Colours, In: in, Out: io.Discard, width: 200, height: 60})
	}()

	var flood sync.WaitGroup
	added := 0
	begin := time.Now()
	flood.Go(func() { // and a storm of incidents
		for n := range uint64(100_000) {
			if ctx.Err() != nil {
				return
			}
			x := wire.Incident{ID: fmt.Sprintf("web-%016x", n%2000), State: wire.IncidentOpen, Severity: wire.SeverityDown, Summary: "it is down", Opened: time.Now(), N: n + 1,
				Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: fmt.Sprintf("m%05d", n%monitors), Severity: wire.SeverityDown, N: n}}}
			if n%7 == 0 {
				x.State = wire.IncidentResolved
			}
			v.Incident(x)
			if n%10 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	})
	flood.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			for due := int(time.Since(begin).Seconds() * 10_000); added < due; added++ {
				run := uint64(added / agents / monitors)
				v.Result(wire.Result{Agent: fmt.Sprintf("agent%d", added%agents), Monitor: fmt.Sprintf("m%05d", added/agents%monitors), Kind: "tcp", Target: "h:1",
					Epoch: "E", Run: run, Started: time.Now(), Outcome: wire.OK, Revision: 1}, time.Now())
			}
		}
	})
	var worst time.Duration
	n := 0
	for ; time.Since(begin) < long; n++ {
		name := fmt.Sprintf("m%05d", n*7%monitors)
		var last time.Time
		for _, key := range "/\x15" + name + "\rp" {
			last = time.Now()
			if _, err := keys.Write([]byte(string(key))); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case got := <-asked.asked:
			worst = max(worst, time.Since(last))
			if want := (Request{Verb: Probe, Monitor: name}); got != want {
				t.Fatalf("typed for %v, got %v", want, got)
			}
		case <-time.After(time.Minute):
			t.Fatalf("p on %s does nothing", name)
		}
	}
	stop()
	flood.Wait()
	rate := float64(added) / time.Since(begin).Seconds()
	keys.Write([]byte("q"))
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := v.Snapshot(view.Query{Limit: 1}, time.Now()).Totals.Results; got != uint64(added) {
		t.Errorf("%d results are counted of %d", got, added)
	}
	t.Logf("%d keys and %.0f results/s: no key lost, p to its request at worst %v", n*10, rate, worst)
}
