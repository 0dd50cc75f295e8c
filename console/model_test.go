package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/console/view"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/judge"
	"netmon/wire"
)

const modelPatience = 60 * time.Second

// followed is a broker with a hand that plays agents, and a model of it.
type followed struct {
	t     *testing.T
	b     *broker.Broker
	nc    *nats.Conn
	store *Store
	model *Model
	seq   uint64
	said  map[string]uint64 // verdicts, by name
	saved map[string]uint64 // revisions, by name
}

// newFollowed is one whose model has not begun.
func newFollowed(t *testing.T, o ModelOptions) *followed {
	t.Helper()
	f := &followed{t: t, b: natstest.Start(t), saved: map[string]uint64{}, said: map[string]uint64{}}
	f.nc = natstest.Connect(t, f.b)
	js := natstest.JetStream(t, f.nc)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: wire.VerdictsStream, Subjects: []string{wire.AllVerdicts, wire.AllJudge}}); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		t.Fatal(err)
	}
	cl := dial(t, f.b)
	f.store, f.model = store(t, cl), cl.Model(o)
	return f
}

// run runs the model until the end of the test.
func (f *followed) run() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.model.Run(ctx)
	}()
	f.t.Cleanup(func() {
		stop()
		select {
		case <-done:
		case <-time.After(modelPatience):
			f.t.Error("Run does not end")
		}
	})
}

func (f *followed) save(name string, change ...func(*wire.Saved)) {
	f.t.Helper()
	m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(time.Hour)}.WithDefaults()} // however slow the machine is
	for _, c := range change {
		c(&m)
	}
	m.Revision = f.saved[name]
	revision, err := f.store.Save(f.t.Context(), m, "added")
	if err != nil {
		f.t.Fatal(err)
	}
	f.saved[name] = revision
}

func (f *followed) delete(name string) {
	f.t.Helper()
	if _, err := f.store.Delete(f.t.Context(), name, f.saved[name]); err != nil {
		f.t.Fatal(err)
	}
	delete(f.saved, name)
}

func (f *followed) publish(subject string, v any) {
	f.t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		_, err = natstest.JetStream(f.t, f.nc).Publish(f.t.Context(), subject, data)
	}
	if err != nil {
		f.t.Fatalf("publish on %s: %v", subject, err)
	}
}

func (f *followed) beat(agent string) {
	f.publish("agent."+agent+".alive", wire.Alive{Agent: agent, At: time.Now(), Started: time.Now()})
}

func (f *followed) result(agent, monitor string, outcome wire.Outcome) {
	f.seq++
	f.publish("results."+agent+"."+monitor, wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Epoch: "E", Seq: f.seq, Run: f.seq, Started: time.Now(), Outcome: outcome, Revision: f.saved[monitor]})
}

// lead has a controller lead until the function that it returns is called.
func (f *followed) lead() (stop func()) {
	f.t.Helper()
	js := natstest.JetStream(f.t, f.nc)
	renew := func(ctx context.Context) error {
		kv, err := js.KeyValue(ctx, wire.ControlBucket)
		if err == nil {
			_, err = kv.Put(ctx, wire.LeaderKey, []byte("{}"))
		}
		return err
	}
	if err := renew(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(wire.LeaseTTL / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = renew(ctx) // the broker may be away
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	f.t.Cleanup(stop)
	return stop
}

// verdict has the leader say how a monitor is, on these agents.
func (f *followed) verdict(monitor string, state wire.VerdictState, agents ...string) {
	f.said[monitor]++
	v := wire.Verdict{Monitor: monitor, State: state, Since: time.Now(), At: time.Now(), N: f.said[monitor], Why: "the judge says so", Revision: f.saved[monitor]}
	switch v.Quorum.Need = 1; state {
	case wire.VerdictUp:
		v.Quorum.Up = agents
	case wire.VerdictDown:
		v.Quorum.Down = agents
	default:
		v.Quorum.Silent = agents
	}
	f.publish("verdicts."+monitor, v)
}

// until waits, from signal to signal, until ok.
func (f *followed) until(what string, ok func() bool) {
	f.t.Helper()
	ctx, stop := context.WithTimeout(f.t.Context(), modelPatience)
	defer stop()
	if err := f.model.Each(ctx, 0, 0, func() (bool, error) { return ok(), nil }); err != nil {
		f.t.Fatalf("never: %s: %v; %+v", what, err, f.model.Snapshot(view.Query{Agents: true}))
	}
}

// shows waits for what is not news: figures change without a signal.
func (f *followed) shows(what string, ok func() bool) {
	f.t.Helper()
	ctx, stop := context.WithTimeout(f.t.Context(), modelPatience)
	defer stop()
	if err := f.model.Each(ctx, 0, 20*time.Millisecond, func() (bool, error) { return ok(), nil }); err != nil {
		f.t.Fatalf("never: %s: %v; %+v", what, err, f.model.Snapshot(view.Query{}))
	}
}

// is waits for the state of a monitor; "" is that there is none.
func (f *followed) is(name, state string) {
	f.t.Helper()
	f.until(name+" is "+state, func() bool {
		s, ok := f.model.Status(name)
		return !ok && state == "" || ok && s.State.String() == state
	})
}

func (f *followed) restart() {
	f.t.Helper()
	f.b = natstest.Restart(f.t, f.b)
	for limit := time.Now().Add(modelPatience); ; time.Sleep(20 * time.Millisecond) { // between two looks
		if f.nc.IsConnected() && broker.Provision(f.t.Context(), natstest.JetStream(f.t, f.nc), broker.DefaultLimits()) == nil {
			return
		}
		if time.Now().After(limit) {
			f.t.Fatal("not connected again")
		}
	}
}

func TestModel_BeginsWithWhatIsThereAndGoesOn(t *testing.T) {
	f := newFollowed(t, ModelOptions{Past: true})
	f.save("web")
	f.lead()
	for range 3 {
		f.result("paris", "web", wire.OK)
	}
	f.verdict("web", wire.VerdictUp, "paris")
	f.run()
	if err := f.model.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, ok := f.model.Status("web"); !ok || s.State != judge.Up {
		t.Errorf("when it is ready: %+v", s)
	}
	if s := f.model.Snapshot(view.Query{Strip: 10}); len(s.Monitors) != 1 || len(s.Monitors[0].Strip) != 3 {
		t.Errorf("its past is not there: %+v", s.Monitors)
	}
	f.verdict("web", wire.VerdictDown, "paris")
	f.is("web", "down")
	f.save("db")
	f.verdict("db", wire.VerdictUp, "paris")
	f.is("db", "up")
	f.delete("web")
	f.is("web", "")
	f.beat("tokyo")
	f.until("an agent joined", func() bool { return len(f.model.Agents()) == 1 })
	f.publish("agent.tokyo.alive", wire.Farewell("tokyo", time.Now()))
	f.until("it is gone", func() bool { return len(f.model.Agents()) == 0 })
	if list := f.model.Monitors(); len(list) != 1 || list[0].Name != "db" {
		t.Errorf("monitors %v", list)
	}
}

// TestModel_OutlivesTheBroker restarts it; monitors are saved and deleted behind
// the model's back.
func TestModel_OutlivesTheBroker(t *testing.T) {
	need.Time(t)
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	f.save("db")
	f.lead()
	f.verdict("web", wire.VerdictUp, "paris")
	f.run()
	f.is("web", "up")
	for round := range 2 {
		f.b.Close()
		f.until("the loss is told", func() bool { return !f.model.Link().Lost.IsZero() })
		f.restart()
		if round == 0 {
			f.delete("db")
		}
		f.until("the return is told", func() bool { return f.model.Link() == Link{} })
		name := fmt.Sprintf("new%d", round)
		f.save(name, func(m *wire.Saved) { m.Agents = wire.Selectors{"oslo"} })
		f.verdict(name, wire.VerdictUp, "oslo")
		f.is(name, "up")
		f.is("db", "")
		f.beat("paris")
		f.until("the agent is there", func() bool {
			return slices.ContainsFunc(f.model.Agents(), func(a Agent) bool { return a.Agent == "paris" })
		})
		f.until("nothing is wrong", func() bool { return len(f.model.Troubles()) == 0 })
	}
}

// TestModel_DeletedWhileNobodyTold has the buckets recreated with less in them: no
// message says what went.
func TestModel_DeletedWhileNobodyTold(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	f.save("db")
	f.beat("paris")
	f.beat("tokyo")
	f.run()
	f.is("db", "unknown")
	f.until("two agents", func() bool { return len(f.model.Agents()) == 2 })
	js := natstest.JetStream(t, f.nc)
	for _, name := range []string{streamOf(wire.MonitorsBucket), wire.AgentsStream} {
		s, err := js.Stream(t.Context(), name)
		if err == nil {
			err = s.Purge(t.Context()) // which nobody hears of
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	clear(f.saved)
	f.save("web")
	f.beat("paris")
	f.restart()
	f.is("db", "")
	f.is("web", "unknown")
	f.until("one agent", func() bool { return len(f.model.Agents()) == 1 })
}

// TestModel_SaysWhatCannotBeRead takes each stream away, and brings it back.
func TestModel_SaysWhatCannotBeRead(t *testing.T) {
	need.Time(t)
	for part, name := range map[Part]string{PartMonitors: streamOf(wire.MonitorsBucket), PartAgents: wire.AgentsStream, PartVerdicts: wire.VerdictsStream, PartResults: wire.ResultsStream} {
		t.Run(part.String(), func(t *testing.T) {
			f := newFollowed(t, ModelOptions{})
			f.lead()
			f.run()
			if err := f.model.Await(t.Context()); err != nil {
				t.Fatal(err)
			}
			js, err := jetstream.New(f.nc)
			if err != nil {
				t.Fatal(err)
			}
			stream, err := js.Stream(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if err := js.DeleteStream(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			f.until("it is told", func() bool {
				told := f.model.Troubles()
				return len(told) == 1 && told[0].Part == part && errors.Is(told[0].Err, ErrUnreachable)
			})
			if _, err := js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
				t.Fatal(err)
			}
			f.until("it goes", func() bool { return len(f.model.Troubles()) == 0 })
		})
	}
}

// TestModel_Load says why nothing can be read, and waits for nobody.
func TestModel_Load(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	if err := natstest.JetStream(t, f.nc).DeleteStream(t.Context(), wire.ResultsStream); err != nil {
		t.Fatal(err)
	}
	if err := f.model.Load(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("without results: %v", err)
	}
	f.save("web")
	f.beat("paris")
	lists := f.model.c.Model(ModelOptions{Parts: PartMonitors | PartAgents})
	if err := lists.Load(t.Context()); err != nil || len(lists.Monitors()) != 1 || len(lists.Agents()) != 1 {
		t.Errorf("what is there: %v, %v, %v", lists.Monitors(), lists.Agents(), err)
	}
}

// TestModel_Names follows two of three monitors.
func TestModel_Names(t *testing.T) {
	f := newFollowed(t, ModelOptions{Names: []string{"web", "later"}})
	f.save("web")
	f.save("db")
	f.result("paris", "db", wire.OK)
	f.result("paris", "web", wire.OK)
	f.lead()
	f.verdict("web", wire.VerdictUp, "paris")
	f.run()
	f.is("web", "up")
	f.result("paris", "db", wire.Failed)
	f.save("later")
	f.result("paris", "later", wire.OK)
	f.verdict("later", wire.VerdictUp, "paris")
	f.is("later", "up")
	f.shows("two results", func() bool { return f.model.Snapshot(view.Query{}).Totals.Results == 2 })
	if s := f.model.Snapshot(view.Query{}); s.Totals.All != 2 {
		t.Errorf("%+v", s.Totals)
	}
}

// TestModel_NobodyHoldsItUp has subscribers that never read beside one that does.
func TestModel_NobodyHoldsItUp(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	var silent []<-chan struct{}
	for range 100 {
		c, stop := f.model.Subscribe()
		t.Cleanup(stop)
		silent = append(silent, c)
	}
	f.lead()
	f.run()
	if err := f.model.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		f.result("paris", "web", wire.OK)
		f.result("paris", "web", wire.Failed)
	}
	f.shows("all is known", func() bool { return f.model.Snapshot(view.Query{}).Totals.Results == 200 })
	f.verdict("web", wire.VerdictDown, "paris")
	f.is("web", "down")
	for _, c := range silent {
		if len(c) != 1 {
			t.Fatalf("%d signals wait, want one for all", len(c))
		}
	}
	changed, stop := f.model.Subscribe()
	stop()
	f.verdict("web", wire.VerdictUp, "paris")
	f.is("web", "up")
	if len(changed) != 0 {
		t.Error("who left is told")
	}
}

// TestModel_SilenceIsNews waits for what comes of nothing, of a monitor that was
// started by hand: nobody else says that it is silent.
func TestModel_SilenceIsNews(t *testing.T) {
	need.Time(t)
	f := newFollowed(t, ModelOptions{})
	f.run()
	late := 27 * time.Second // of the 30 that a silence takes
	f.seq++
	f.publish("results.paris.web", wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Epoch: "E", Seq: f.seq, Run: f.seq, Started: time.Now().Add(-late), LateNS: int64(late), Outcome: wire.OK})
	state := func() judge.State {
		rows := f.model.Snapshot(view.Query{}).Monitors
		if len(rows) == 0 {
			return judge.Paused
		}
		return rows[0].State
	}
	f.until("it was heard", func() bool { return state() != judge.Paused })
	f.until("it is silent", func() bool { return state() == judge.Unknown })
}

func TestModel_AwaitState(t *testing.T) {
	f := newFollowed(t, ModelOptions{Names: []string{"web", "db"}})
	f.save("web")
	f.lead()
	f.run()
	ctx, stop := context.WithTimeout(t.Context(), modelPatience)
	defer stop()
	if _, err := f.model.AwaitState(ctx, "db", judge.Up); !errors.Is(err, ErrNotFound) {
		t.Errorf("one that is not saved: %v", err)
	}
	if s, err := f.model.AwaitState(ctx, "web", judge.Unknown); err != nil || s.Monitor != "web" {
		t.Errorf("%+v, %v", s, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := f.model.AwaitState(ctx, "web", judge.Up)
		ended <- err
	}()
	f.verdict("web", wire.VerdictUp, "paris")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	go func() {
		_, err := f.model.AwaitState(ctx, "web", judge.Down)
		ended <- err
	}()
	f.delete("web")
	if err := <-ended; !errors.Is(err, ErrNotFound) {
		t.Errorf("one that is deleted meanwhile: %v", err)
	}
}

func TestChanges(t *testing.T) {
	var c Changes[string]
	name, look := func(s string) string { return s[:1] }, func(s string) string { return s }
	for _, step := range []struct{ list, changed, gone []string }{
		{[]string{"a1", "b1"}, []string{"a1", "b1"}, nil},
		{[]string{"a1", "b2"}, []string{"b2"}, nil},
		{[]string{"c1"}, []string{"c1"}, []string{"a1", "b2"}},
		{nil, nil, []string{"c1"}},
	} {
		changed, gone := c.Next(step.list, name, look)
		if !slices.Equal(changed, step.changed) || !slices.Equal(gone, step.gone) {
			t.Errorf("%v: %v changed and %v gone, want %v and %v", step.list, changed, gone, step.changed, step.gone)
		}
	}
}
