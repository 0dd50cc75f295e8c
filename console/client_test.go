package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/wire"
)

func dial(t *testing.T, b *broker.Broker) *Client {
	t.Helper()
	c, err := Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func store(t *testing.T, c *Client) *Store {
	t.Helper()
	s, err := c.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func web() wire.Saved {
	return wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1"}.WithDefaults(), Agents: wire.Selectors{"all"}}
}

func TestStore_SavesReadsAndDeletes(t *testing.T) {
	b := natstest.Start(t)
	s := store(t, dial(t, b))
	ctx := t.Context()
	if _, err := s.Get(ctx, "web"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get of nothing: %v", err)
	}
	if list, err := s.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("List of nothing: %v %v", list, err)
	}
	revision, err := s.Save(ctx, web(), "added")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(ctx, "web")
	if err != nil || got.Revision != revision || got.Author == "" || got.Change != "added" || !Same(got, web()) {
		t.Errorf("%+v %v", got, err)
	}
	gone, err := s.Delete(ctx, "web", revision)
	if err != nil || gone <= revision {
		t.Errorf("deleted at %d: %v", gone, err)
	}
	if list, err := s.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("after the delete: %v %v", list, err)
	}
	if _, err := s.Save(ctx, web(), "added"); err != nil {
		t.Errorf("saved again after the delete: %v", err)
	}
}

// TestStore_NameBeginsWithDash: names could, once. Such a monitor is reported in
// lists and by a watch, with what to do.
func TestStore_NameBeginsWithDash(t *testing.T) {
	s := store(t, dial(t, natstest.Start(t)))
	if _, err := s.c.js.Publish(t.Context(), prefixOf(wire.MonitorsBucket)+"-v", []byte(`{"name":"-v","kind":"tcp","target":"h:1"}`)); err != nil {
		t.Fatal(err)
	}
	const want = `its key "-v" begins with -, as flags do: want one of A-Z a-z 0-9 _ first; save it under another name, and delete this one: netmon delete -- -v`
	if list, err := s.List(t.Context()); len(list) != 0 || err == nil || err.Error() != `monitor "-v": `+want {
		t.Errorf("List: %v, %v", list, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	problems := map[string]error{}
	if err := s.Watch(ctx, nil, nil, stop, func(name string, _ *wire.Saved, problem error) { problems[name] = problem }); err != nil {
		t.Fatal(err)
	}
	if p := problems["-v"]; p == nil || p.Error() != want {
		t.Errorf("Watch: %v", problems)
	}
	revision, err := s.Revision(t.Context(), "-v")
	if err == nil {
		_, err = s.Delete(t.Context(), "-v", revision)
	}
	if _, again := s.Revision(t.Context(), "-v"); err != nil || !errors.Is(again, ErrNotFound) {
		t.Errorf("deleted: %v, then %v", err, again)
	}
}

func TestStore_TwoConsolesThatEditAtOnce(t *testing.T) {
	b := natstest.Start(t)
	one, two := store(t, dial(t, b)), store(t, dial(t, b))
	ctx := t.Context()
	if _, err := one.Save(ctx, web(), "added"); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Save(ctx, web(), "added"); !errors.Is(err, ErrConflict) {
		t.Errorf("added twice: %v", err)
	}
	a, err := one.Get(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := a, a
	mine.Paused, theirs.Target = true, "other:2"
	if _, err := one.Save(ctx, mine, "stopped"); err != nil {
		t.Fatal(err)
	}
	if _, err := two.Save(ctx, theirs, "applied"); !errors.Is(err, ErrConflict) {
		t.Errorf("the second edit: %v", err)
	}
	if _, err := two.Delete(ctx, "web", a.Revision); !errors.Is(err, ErrConflict) {
		t.Errorf("the second one's delete: %v", err)
	}
	if got, err := one.Get(ctx, "web"); err != nil || !got.Paused || got.Target != "h:1" {
		t.Errorf("kept %+v %v", got, err)
	}
}

func TestSame_LooksThroughForm(t *testing.T) {
	a, b := web(), web()
	a.Options = json.RawMessage(`{"a":1,"b":{"c":2}}`)
	b.Options = json.RawMessage(` {"b": {"c":2}, "a":1}`)
	b.Agents, b.Author, b.Revision, b.Every = nil, "x", 9, 0
	if !Same(a, b) {
		t.Error("the same monitor in another form differs")
	}
	b.Options = json.RawMessage(`{"a":2}`)
	if Same(a, b) {
		t.Error("different options are the same")
	}
}

func TestConnect_SaysThatNobodyIsThere(t *testing.T) {
	_, err := Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect("nats://127.0.0.1:1", o...) })
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v", err)
	}
}

func publish(t *testing.T, nc *nats.Conn, from, to int) {
	t.Helper()
	js := natstest.JetStream(t, nc)
	for i := from; i < to; i++ {
		r := wire.Result{Agent: "paris", Monitor: "web", Seq: uint64(i), Outcome: wire.OK, Started: time.Now().UTC()}
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "results.paris.web", data); err != nil {
			t.Fatal(err)
		}
	}
}

var errDone = errors.New("done")

func TestFollow_SeesEveryResultAcrossARestartOfTheBroker(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	publish(t, nc, 0, 5) // before anybody looks
	c := dial(t, b)
	ready, got, ended := make(chan struct{}), make(chan uint64, 1000), make(chan error, 1)
	go func() {
		ended <- c.Follow(t.Context(), Filter{}, func() { close(ready) }, func(r wire.Result) error {
			got <- r.Seq
			if r.Seq == 199 {
				return errDone
			}
			return nil
		})
	}()
	<-ready
	publish(t, nc, 5, 100)
	b.Close()
	b = natstest.Restart(t, b)
	publish(t, natstest.Connect(t, b), 100, 200)
	select {
	case err := <-ended:
		if !errors.Is(err, errDone) {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("stuck after %d results", len(got))
	}
	for want := uint64(5); want < 200; want++ {
		if seq := <-got; seq != want {
			t.Fatalf("result %d came where %d was due", seq, want)
		}
	}
}

func TestFollow_BeginsWhereAsked(t *testing.T) {
	b := natstest.Start(t)
	publish(t, natstest.Connect(t, b), 0, 10)
	c := dial(t, b)
	for name, tc := range map[string]struct {
		filter Filter
		first  uint64
	}{
		"since an hour ago":   {Filter{Since: time.Now().Add(-time.Hour)}, 0},
		"with the last":       {Filter{Last: true}, 9},
		"of a named monitor":  {Filter{Since: time.Now().Add(-time.Hour), Monitors: []string{"web"}}, 0},
		"of one of two named": {Filter{Last: true, Monitors: []string{"db", "web"}, Agents: []string{"paris", "rome"}}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := c.Follow(ctx, tc.filter, nil, func(r wire.Result) error {
				if r.Seq != tc.first {
					return fmt.Errorf("began with %d, want %d", r.Seq, tc.first)
				}
				return errDone
			})
			if !errors.Is(err, errDone) {
				t.Error(err)
			}
		})
	}
}

func TestFollow_SkipsWhatIsNoResult(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	for _, data := range []string{"", "garbage", `{"agent":"rome","monitor":"web"}`} {
		if _, err := js.Publish(t.Context(), "results.paris.web", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, nc, 7, 8)
	odd := 0
	f := Filter{Since: time.Now().Add(-time.Hour), Odd: func(error) { odd++ }}
	err := dial(t, b).Follow(t.Context(), f, nil, func(r wire.Result) error {
		if r.Seq != 7 {
			t.Errorf("%+v", r)
		}
		return errDone
	})
	if !errors.Is(err, errDone) || odd != 3 {
		t.Errorf("%v, %d odd ones", err, odd)
	}
}

func TestFollowMessages_SaysWhenNoMoreIsHere(t *testing.T) {
	b := natstest.Start(t)
	publish(t, natstest.Connect(t, b), 0, 3)
	n := 0
	err := dial(t, b).FollowMessages(t.Context(), Filter{Since: time.Now().Add(-time.Hour)}, nil, func(m *nats.Msg, more bool) error {
		if n++; n < 3 {
			return nil
		}
		if more {
			t.Error("more than the last is here")
		}
		return errDone
	})
	if !errors.Is(err, errDone) {
		t.Error(err)
	}
}

func beat(t *testing.T, nc *nats.Conn, a wire.Alive) {
	t.Helper()
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := natstest.JetStream(t, nc).Publish(t.Context(), "agent."+a.Agent+".alive", data); err != nil {
		t.Fatal(err)
	}
}

func TestTell_SaysWhatBecameOfEachAgent(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	if _, err := nc.Subscribe("agent.paris.cmd", func(m *nats.Msg) {
		var c wire.Command
		if err := json.Unmarshal(m.Data, &c); err != nil {
			t.Error(err)
		}
		r := wire.Reply{OK: true, Agent: "paris", Monitors: []wire.MonitorReply{{Name: "web", State: wire.Started}}}
		if c.Op != wire.OpStart || c.Store == "" || c.Revision != 4 || c.Monitors[0].Revision != 4 {
			t.Errorf("command %+v", c)
		}
		data, err := json.Marshal(r)
		if err != nil {
			t.Error(err)
		}
		m.Respond(data)
	}); err != nil {
		t.Fatal(err)
	}
	beat(t, nc, wire.Alive{Agent: "paris"})
	beat(t, nc, wire.Alive{Agent: "tokyo", Leaving: true})
	beat(t, nc, wire.Alive{Agent: "rome", Labels: map[string]string{"region": "eu"}})
	c := dial(t, b)
	agents, err := c.Agents(t.Context())
	if err != nil || len(agents) != 3 || !agents[0].Online || agents[2].Online {
		t.Fatalf("%+v %v", agents, err)
	}
	m := web()
	m.Agents = wire.Selectors{"paris", "tokyo", "nowhere"}
	told := store(t, c).notifyAgents(t.Context(), agents, Change{Is: &m, Revision: 4})
	if len(told) != 3 {
		t.Fatalf("%+v", told)
	}
	for i, want := range []Ack{{Agent: "nowhere", Away: true}, {Agent: "paris", OK: true, Text: "running"}, {Agent: "tokyo", Away: true}} {
		got := told[i]
		if got.Agent != want.Agent || got.Away != want.Away || got.OK != want.OK || want.Text != "" && got.Text != want.Text || got.Monitor != "web" {
			t.Errorf("told %+v, want %+v", got, want)
		}
	}
}
