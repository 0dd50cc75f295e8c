package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// stage is a placing whose time the test moves.
type stage struct {
	t   *testing.T
	p   *placing
	at  time.Time
	web wire.Saved
}

func newStage(t *testing.T, agents ...string) *stage {
	s := &stage{t: t, at: time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)}
	s.p = newPlacing(usualPatience, func() time.Time { return s.at })
	s.p.hearing = s.at.Add(-time.Hour)
	s.web = wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1", Revision: 5}, Agents: wire.Selectors{"2 of all"}}
	for _, id := range agents {
		s.beat(id, nil)
	}
	s.wait(5*time.Minute, agents...)
	return s
}

func (s *stage) beat(id string, change func(*wire.Alive)) {
	a := wire.Alive{Agent: id, Instance: "1", Revision: 5}
	if change != nil {
		change(&a)
	}
	s.p.hear(a, s.at)
}

// wait lets time pass in which these agents are heard.
func (s *stage) wait(d time.Duration, agents ...string) {
	for end := s.at.Add(d); s.at.Before(end); {
		s.at = s.at.Add(10 * time.Second)
		for _, id := range agents {
			s.beat(id, nil)
		}
		s.p.look(s.at)
	}
}

// want looks where web is placed now.
func (s *stage) want(want string) wire.Placement {
	s.t.Helper()
	x, changed := s.p.choose(&s.web, s.at)
	if changed {
		x.at = 1
		s.p.records["web"] = x
	}
	if got := strings.Join(x.Agents, " "); got != want {
		s.t.Fatalf("web runs on %q, want %q", got, want)
	}
	return x.Placement
}

// TestPlacing_Patience: web ranks rome, paris, tokyo, oregon.
func TestPlacing_Patience(t *testing.T) {
	s := newStage(t, "oregon", "paris", "rome", "tokyo")
	s.want("paris rome")
	s.wait(170*time.Second, "oregon", "paris", "tokyo")
	s.want("paris rome")
	s.wait(20*time.Second, "oregon", "paris", "tokyo")
	if x := s.want("paris tokyo"); x.Why != "rome was offline for 3m10s: tokyo takes over" || x.N != 2 {
		t.Errorf("%+v", x)
	}
	s.wait(2*time.Minute, "oregon", "paris", "rome", "tokyo")
	s.want("paris tokyo")
	s.wait(2*time.Minute, "oregon", "paris", "rome", "tokyo")
	if x := s.want("paris rome"); x.Why != "rome takes over from tokyo, now that there is a better spread" {
		t.Errorf("%+v", x)
	}
	s.beat("rome", func(a *wire.Alive) { a.Leaving = true }) // a restart
	s.wait(20*time.Second, "oregon", "paris", "tokyo")
	s.want("paris rome")
	s.beat("rome", func(a *wire.Alive) { a.Instance = "2" })
	s.want("paris rome")
	s.beat("rome", func(a *wire.Alive) { a.Leaving = true })
	s.wait(40*time.Second, "oregon", "paris", "tokyo")
	if x := s.want("paris tokyo"); x.Why != "rome was shut down: tokyo takes over" {
		t.Errorf("%+v", x)
	}
	s.beat("paris", func(a *wire.Alive) { *a = wire.Farewell("paris", s.at) })
	s.p.look(s.at)
	if x := s.want("oregon tokyo"); x.Why != "paris is gone: oregon takes over" {
		t.Errorf("%+v", x)
	}
}

// TestPlacing_SilenceOfAll: that nobody is heard is the fault of nobody, and after it
// agents have time to be heard.
func TestPlacing_SilenceOfAll(t *testing.T) {
	s := newStage(t, "oregon", "paris", "rome", "tokyo")
	s.want("paris rome")
	s.wait(time.Hour)
	s.want("paris rome")
	s.wait(50*time.Second, "oregon", "tokyo")
	s.want("paris rome")
	s.wait(50*time.Second, "oregon", "paris", "rome", "tokyo")
	s.want("paris rome")
	s.wait(30*time.Hour, "oregon", "tokyo")
	s.want("oregon tokyo")
	if len(s.p.agents) != 2 {
		t.Errorf("remembered: %v", s.p.agents)
	}
}

// TestPlacing_Refusals: who refuses it is not asked again until it is another life of
// the agent, or another revision of the monitor.
func TestPlacing_Refusals(t *testing.T) {
	s := newStage(t, "oregon", "paris", "rome")
	s.want("paris rome")
	s.wait(30*time.Second, "oregon", "paris", "rome")
	refuses := func(a *wire.Alive) { a.Refused = map[string]string{"web": "the policy does not allow it"} }
	s.beat("rome", refuses)
	x := s.want("oregon paris")
	if x.Refused["rome"].Why != "the policy does not allow it" || x.Why != "rome refuses it (the policy does not allow it): oregon takes over" {
		t.Errorf("%+v", x)
	}
	s.wait(10*time.Minute, "oregon", "paris", "rome") // it does not run there, so it is not refused now
	s.want("oregon paris")
	s.beat("oregon", refuses)
	s.want("paris rome") // there are too few, and it is shown
	s.beat("rome", func(a *wire.Alive) { a.Instance = "2" })
	s.wait(restateEvery, "oregon", "paris")
	if x := s.want("paris rome"); x.Refused["rome"].Why != "" {
		t.Errorf("%+v", x)
	}
	s.web.Revision = 6
	s.beat("rome", func(a *wire.Alive) { a.Instance = "2"; refuses(a) }) // of the revision before
	if x := s.want("paris rome"); len(x.Refused) != 0 || x.Why != "the monitor was changed" {
		t.Errorf("%+v", x)
	}
	s.beat("paris", func(a *wire.Alive) { a.Cannot = map[string]string{"tcp": "no root"} })
	s.want("oregon rome")
}

// TestPlacing_AnotherLeader decides the same from what is stored, for 200 monitors,
// while an agent is lost.
func TestPlacing_AnotherLeader(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e"}
	s := newStage(t, ids...)
	decide := func(p *placing) (moved int) {
		for i := range 200 {
			m := s.web
			m.Name = fmt.Sprint("web-", i)
			if x, changed := p.choose(&m, s.at); changed {
				p.records[m.Name] = x
				moved++
			}
		}
		return moved
	}
	decide(s.p)
	s.wait(5*time.Minute, ids[1:]...)
	if moved := decide(s.p); moved < 50 || moved > 110 {
		t.Errorf("%d moved when one of five was lost", moved)
	}
	next := newPlacing(usualPatience, func() time.Time { return s.at })
	for name, r := range s.p.records {
		next.records[name], next.refused[name] = r, nil
	}
	for id, a := range s.p.agents {
		next.hear(wire.Alive{Agent: id, Instance: "1"}, a.heard)
	}
	next.hearing = s.at
	next.look(s.at)
	if moved := decide(next); moved != 0 {
		t.Errorf("%d moved by another leader", moved)
	}
	s.p = next
	s.wait(10*time.Minute, ids...)
	if moved := decide(next); moved < 50 {
		t.Errorf("%d moved back", moved)
	}
}

// TestPlacing_TooFew: fewer than are asked for run it, and those that are paused stay.
func TestPlacing_TooFew(t *testing.T) {
	s := newStage(t, "paris")
	s.web.Agents = wire.Selectors{"3 of paris,rome,tokyo"}
	if x := s.want("paris"); x.Want != 3 || x.Why != "chosen of 1 agent that matches" {
		t.Errorf("%+v", x)
	}
	s.beat("rome", nil)
	s.p.look(s.at)
	if x := s.want("paris rome"); x.Why != "rome can run it, too" {
		t.Errorf("%+v", x)
	}
	s.web.Except = wire.Selectors{"paris"}
	if x := s.want("rome"); !slices.Equal(x.Agents, []string{"rome"}) || x.Why != "paris does not match any more: nobody else can take over" {
		t.Errorf("%+v", x)
	}
}
