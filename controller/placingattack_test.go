package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// moves asks a hostile agent's next heartbeat in a loop, and counts what is written.
func (s *stage) moves(rounds int, every time.Duration, others []string, hostile func(round int)) (written, moved int) {
	s.t.Helper()
	for i := range rounds {
		s.wait(every, others...)
		hostile(i)
		for range 2 { // the heartbeat, and the answer to what it is then asked
			was := s.p.records["web"]
			x, changed := s.p.choose(&s.web, s.at)
			if changed {
				x.at = 1
				s.p.records["web"] = x
				written++
				if strings.Join(was.Agents, " ") != strings.Join(x.Agents, " ") {
					moved++
				}
			}
			for _, id := range x.Agents {
				if strings.HasPrefix(id, "evil") {
					s.p.refuses(&s.p.agents[id].Alive, x, fmt.Sprint("no ", i))
				}
			}
		}
	}
	return written, moved
}

// TestPlacing_AnAgentThatWavers: an agent that refuses what it is given and says with each
// heartbeat that it is another process, or that it can and cannot run the kind in turn,
// gets it once more in 3 minutes at most, and others keep it meanwhile.
func TestPlacing_AnAgentThatWavers(t *testing.T) {
	others := []string{"oregon", "paris", "tokyo"}
	for name, change := range map[string]func(i int, a *wire.Alive){
		"other lives":    func(i int, a *wire.Alive) { a.Instance = fmt.Sprint(i) },
		"other policies": func(i int, a *wire.Alive) { a.Policy = &wire.Policy{Digest: fmt.Sprint(i)} },
		"kinds": func(i int, a *wire.Alive) {
			if i%2 == 0 {
				a.Kinds = []string{"udp"}
			}
		},
		"what it cannot do": func(i int, a *wire.Alive) {
			if i%2 == 0 {
				a.Cannot = map[string]string{"tcp": "no"}
			}
		},
		"kinds of its policy": func(i int, a *wire.Alive) {
			a.Policy = &wire.Policy{Digest: "same"}
			if i%2 == 0 {
				a.Policy.Kinds = []string{"udp"}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, append(others, "evil", "evil2")...)
			s.web.Agents = wire.Selectors{"5 of all"}
			s.want("evil evil2 oregon paris tokyo") // whatever the ranks, it is chosen
			s.web.Agents, s.web.Revision = wire.Selectors{"2 of all"}, 6
			s.p.records["web"] = placement{Placement: wire.Placement{Monitor: "web", Revision: 6, Want: 2, Agents: []string{"evil", "evil2"}, N: 2}}
			written, moved := s.moves(60, 10*time.Second, others, func(i int) {
				for _, id := range []string{"evil", "evil2"} {
					s.beat(id, func(a *wire.Alive) { change(i, a) })
				}
				s.p.look(s.at)
			})
			if moved > 2*60*10/180+2 || written > moved+12 {
				t.Errorf("in 10 minutes %d placements were written, %d of which moved it", written, moved)
			}
		})
	}
}

// TestPlacing_NobodyCanButThoseThatWaver: where nobody else is there, what they say of
// themselves is written once a minute, and does not go from one to the other for ever.
func TestPlacing_NobodyCanButThoseThatWaver(t *testing.T) {
	for want, n := range map[string]int{"1 of all": 1, "2 of all": 2, "3 of all": 3} {
		t.Run(want, func(t *testing.T) {
			s := newStage(t, "evil", "evil2")
			s.web.Agents = wire.Selectors{want}
			written, moved := s.moves(60, 10*time.Second, nil, func(i int) {
				for _, id := range []string{"evil", "evil2"} {
					s.beat(id, func(a *wire.Alive) { a.Instance = fmt.Sprint(i) })
				}
				s.p.look(s.at)
			})
			if written > 60 {
				t.Errorf("in 10 minutes %d placements of %d were written, %d of which moved it", written, n, moved)
			}
			if s.p.records["web"].Refused["evil"].Why == "" && s.p.records["web"].Refused["evil2"].Why == "" {
				t.Error("nobody sees that they refuse it")
			}
		})
	}
}

// TestPlacing_MovesOfOthersGoOn: who wavers where there are too few does not keep others
// from taking over.
func TestPlacing_MovesOfOthersGoOn(t *testing.T) {
	s := newStage(t, "paris", "evil")
	s.web.Agents = wire.Selectors{"3 of all"}
	s.moves(100, 10*time.Second, []string{"paris"}, func(i int) {
		s.beat("evil", func(a *wire.Alive) { a.Instance = fmt.Sprint(i) })
		s.p.look(s.at)
	})
	s.beat("rome", nil)
	s.p.look(s.at)
	if x, changed := s.p.choose(&s.web, s.at); !changed || strings.Join(x.Agents, " ") != "evil paris rome" {
		t.Errorf("%v", x.Agents)
	}
}

// TestPlacing_LeadersThatFollowEachOther: stored heartbeats say since when agents can be
// heard, so a leader need not lead for a minute to replace one that is lost. Where nobody
// was heard for a while, the broker was away, and agents have that minute.
func TestPlacing_LeadersThatFollowEachOther(t *testing.T) {
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		others func(ago time.Duration) bool // whether others were heard so long ago
		want   presence
	}{
		"others were heard all the time":    {func(time.Duration) bool { return true }, lost},
		"others are heard since a while":    {func(ago time.Duration) bool { return ago <= 90*time.Second }, lost},
		"others are heard since a moment":   {func(ago time.Duration) bool { return ago <= 30*time.Second }, missing},
		"nobody was heard for five minutes": {func(ago time.Duration) bool { return ago >= 5*time.Minute }, missing},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlacing(usualPatience, func() time.Time { return at })
			ctl := &Controller{placing: p}
			for ago := 10 * time.Minute; ago >= 0; ago -= 10 * time.Second {
				if ago >= 5*time.Minute { // both
					ctl.heardBefore(wire.Alive{Agent: "rome"}, at.Add(-ago))
				}
				if c.others(ago) {
					ctl.heardBefore(wire.Alive{Agent: "oslo"}, at.Add(-ago))
					p.hear(wire.Alive{Agent: "oslo"}, at.Add(-ago))
				}
			}
			p.hear(wire.Alive{Agent: "rome"}, at.Add(-5*time.Minute))
			ctl.placeFromNow()
			if p.hearing.IsZero() { // as placeAll does
				p.hearing = at
			}
			p.look(at)
			if got := p.agents["rome"].is; got != c.want {
				t.Errorf("rome is %v, want %v", got, c.want)
			}
		})
	}
}
