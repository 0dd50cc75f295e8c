package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

var begin = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

// past is a mesh whose agents measure on schedule, and what was stored of it.
type past struct {
	monitors []wire.Saved
	agents   map[string]Labels
	facts    []Fact
}

func saved(name string, every time.Duration, on ...string) wire.Saved {
	m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "http", Target: "http://" + name + ".example", Every: wire.Duration(every), Timeout: wire.Duration(2 * time.Second), Revision: 1}}
	if len(on) > 0 {
		m.Agents = on
	}
	return m
}

// measured has all agents measure all monitors that are placed there for so long. found
// says what a run finds: "" is good, "-" that there was none.
func measured(long time.Duration, agents map[string]Labels, monitors []wire.Saved, found func(monitor, agent string, at time.Duration) string) *past {
	p := &past{monitors: monitors, agents: agents}
	for i := range monitors {
		p.facts = append(p.facts, Fact{At: begin, Saved: &p.monitors[i]})
	}
	ids := []string{}
	for id := range agents {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for i := range monitors {
		m := &monitors[i]
		for n, id := range ids {
			if !m.IsPlacedOn(id, agents[id]) {
				continue
			}
			phase := time.Duration(n*1000+i*137) * time.Millisecond % m.Every.Std()
			for at := phase; at < long; at += m.Every.Std() {
				if finds := found(m.Name, id, at); finds != "-" {
					p.add(m, id, begin.Add(at), finds, "")
				}
			}
		}
	}
	p.order()
	return p
}

// order sorts what was stored, and numbers the results of each agent.
func (p *past) order() {
	slices.SortStableFunc(p.facts, func(a, b Fact) int { return a.At.Compare(b.At) })
	seq := map[string]uint64{}
	for _, f := range p.facts {
		if f.Result != nil {
			seq[f.Result.Agent]++
			f.Result.Seq = seq[f.Result.Agent]
		}
	}
}

func (p *past) add(m *wire.Saved, agent string, at time.Time, finds, asked string) {
	r := &wire.Result{Agent: agent, Monitor: m.Name, Kind: m.Kind, Target: m.Target, Epoch: "e", Started: at, ElapsedNS: 20e6, Outcome: wire.OK, Revision: m.Revision, Asked: asked}
	if finds != "" {
		r.Outcome, r.Failure, r.Error, r.ElapsedNS = wire.Failed, wire.Failure(finds), finds, 2e9
	}
	p.facts = append(p.facts, Fact{At: at.Add(r.Elapsed()), Result: r})
}

func (p *past) until() time.Time { return p.facts[len(p.facts)-1].At }

// under judges it by rules, a word for each monitor: see [wire.ParseQuorum].
func (p *past) under(t *testing.T, rules map[string]Rule) map[string]*Timeline {
	t.Helper()
	r := New(p.options(rules))
	for _, f := range p.facts {
		r.Apply(f)
	}
	return r.End()
}

func (p *past) options(rules map[string]Rule) Options {
	o := Options{From: begin.Add(5 * time.Minute), To: p.until(), Rules: map[string]Rule{}, Labels: p.agents}
	for _, m := range p.monitors {
		o.Rules[m.Name] = Rule{m.Verdict, m.DependsOn}
		if r, ok := rules[m.Name]; ok {
			o.Rules[m.Name] = r
		}
	}
	return o
}

func quorum(t *testing.T, text string) Rule {
	t.Helper()
	q, err := wire.ParseQuorum(text)
	if err != nil {
		t.Fatal(err)
	}
	return Rule{Verdict: &wire.Rule{Quorum: q}}
}

// told is a timeline in words: states, and in which minute each began.
func told(line *Timeline) string {
	if line == nil {
		return ""
	}
	var out []string
	for _, s := range line.Spans {
		out = append(out, fmt.Sprintf("%s %s", s.State, s.From.Sub(begin).Truncate(time.Minute)))
	}
	return strings.Join(out, ", ")
}

var three = map[string]Labels{"oslo": {"region": "eu"}, "paris": {"region": "eu"}, "tokyo": {"region": "asia"}}

// broken is a failure of a monitor on one agent from one time to another.
func broken(monitor, agent string, from, to time.Duration) func(string, string, time.Duration) string {
	return func(m, a string, at time.Duration) string {
		if m == monitor && (a == agent || agent == "") && at >= from && at < to {
			return "refused"
		}
		return ""
	}
}

// TestReplay_OtherRules: one of three agents finds web bad for five minutes.
func TestReplay_OtherRules(t *testing.T) {
	p := measured(30*time.Minute, three, []wire.Saved{saved("web", 10*time.Second), saved("db", 10*time.Second)}, broken("web", "paris", 10*time.Minute, 15*time.Minute))
	before := p.under(t, nil)
	if got, want := told(before["web"]), "up 5m0s, degraded 10m0s, up 15m0s"; got != want {
		t.Errorf("as saved: %s, want %s", got, want)
	}
	if again := Compare("web", before["web"], p.under(t, nil)["web"]); again.Differs() || again.Same != 1 {
		t.Errorf("under the same rules: %+v", again)
	}
	after := p.under(t, map[string]Rule{"web": quorum(t, "any")})
	if got, want := told(after["web"]), "up 5m0s, down 10m0s, up 15m0s"; got != want {
		t.Errorf("any: %s, want %s", got, want)
	}
	c := Compare("web", before["web"], after["web"])
	if len(c.New) != 1 || c.New[0].State != wire.VerdictDown || len(c.Gone) != 1 || c.Gone[0].State != wire.VerdictDegraded || c.Same != 0 {
		t.Errorf("%+v", c)
	}
	if c.Saved.Verdicts != 2 || c.Tried.Verdicts != 2 || c.Saved.Degraded < 270 || c.Tried.Down < 270 || c.Tried.Down > 310 || c.Saved.Down != 0 {
		t.Errorf("%+v %+v", c.Saved, c.Tried)
	}
	if c := Compare("db", before["db"], after["db"]); c.Differs() || c.Same != 0 {
		t.Errorf("db: %+v", c)
	}
}

// TestReplay_TooTight: now and then one agent fails for most of a minute. That is no alarm by the
// usual rules, and one each time by others.
func TestReplay_TooTight(t *testing.T) {
	p := measured(time.Hour, three, []wire.Saved{saved("web", 10*time.Second)}, func(_, agent string, at time.Duration) string {
		if agent == "paris" && int(at/time.Minute)%10 == 7 && at%time.Minute < 50*time.Second {
			return "timeout"
		}
		return ""
	})
	loose, tight := p.under(t, nil)["web"], p.under(t, map[string]Rule{"web": quorum(t, "any")})["web"]
	c := Compare("web", loose, tight)
	down := 0
	for _, s := range c.New {
		if s.State == wire.VerdictDown {
			down++
		}
	}
	if down != 6 || c.Saved.Down != 0 || c.Tried.Down == 0 {
		t.Errorf("%s\n%s\n%+v", told(loose), told(tight), c)
	}
}

// TestReplay_Slower: more runs are waited for, so the same outage is reported later.
func TestReplay_Slower(t *testing.T) {
	p := measured(30*time.Minute, three, []wire.Saved{saved("web", 10*time.Second)}, broken("web", "", 10*time.Minute, 15*time.Minute))
	slow := Rule{Verdict: &wire.Rule{Down: wire.Strikes{Bad: 5, Of: 5}}}
	c := Compare("web", p.under(t, nil)["web"], p.under(t, map[string]Rule{"web": slow})["web"])
	later := laterBy(c, wire.VerdictDown)
	if later < 15 || later > 60 || !c.Differs() {
		t.Errorf("%+v", c)
	}
}

// laterBy is how much later the only span of a state is reported, in seconds.
func laterBy(c Comparison, state wire.VerdictState) float64 {
	list := slices.DeleteFunc(slices.Clone(c.Moved), func(m Moved) bool { return m.State != state })
	if len(list) != 1 {
		return 0
	}
	return list[0].Later
}

// TestReplay_Parents: what depends on the gateway is not down when that is.
func TestReplay_Parents(t *testing.T) {
	p := measured(30*time.Minute, three, []wire.Saved{saved("gateway", 10*time.Second), saved("web", 10*time.Second)}, func(_, _ string, at time.Duration) string {
		if at >= 10*time.Minute && at < 15*time.Minute {
			return "timeout"
		}
		return ""
	})
	before, after := p.under(t, nil), p.under(t, map[string]Rule{"web": {DependsOn: []string{"gateway"}}})
	c := Compare("web", before["web"], after["web"])
	if len(c.New) != 1 || c.New[0].State != wire.VerdictUnknown || c.New[0].Blame != wire.BlameParent || c.Saved.Down < 270 || c.Tried.Down > 30 {
		t.Errorf("%s\n%s\n%+v", told(before["web"]), told(after["web"]), c)
	}
}

// TestReplay_Presence: agents are there between rare results, and away when none comes.
func TestReplay_Presence(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 10 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour} {
		long := max(time.Hour, 12*every)
		p := measured(long, three, []wire.Saved{saved("web", every)}, func(_, agent string, at time.Duration) string {
			if agent == "paris" && at > long/2 {
				return "-"
			}
			return ""
		})
		r := New(p.options(nil))
		away := time.Time{}
		for _, f := range p.facts {
			r.Apply(f)
			if v, ok := r.j.AgentVerdict("paris"); ok && v.Status == wire.AgentAway && away.IsZero() {
				away = v.At
			}
		}
		line := r.End()["web"]
		if n := len(line.Spans); n > 2 || line.Spans[n-1].State != wire.VerdictUp {
			t.Errorf("every %v: %s", every, told(line))
		}
		late := away.Sub(begin.Add(long / 2))
		if away.IsZero() || late < 20*time.Second-every || late > max(time.Minute, 3*every) {
			t.Errorf("every %v: paris is away after %v", every, late)
		}
	}
}

// TestReplay_LabelsAreGuessed: an agent that is gone counts where it measured.
func TestReplay_LabelsAreGuessed(t *testing.T) {
	p := measured(20*time.Minute, three, []wire.Saved{saved("web", 10*time.Second, "region=eu", "tier=edge")}, broken("web", "", 10*time.Minute, 15*time.Minute))
	p.agents = map[string]Labels{"tokyo": three["tokyo"], "oslo": three["oslo"]}
	o := p.options(nil)
	r := New(o)
	for _, f := range p.facts {
		r.Apply(f)
	}
	if got := r.agents.agents["paris"].alive.Labels["region"]; got != "eu" {
		t.Errorf("paris has region %q", got)
	}
	line := r.End()["web"]
	i := slices.IndexFunc(line.Spans, func(s Span) bool { return s.State == wire.VerdictDown })
	if i < 0 || !strings.Contains(line.Spans[i].Why, "2 of 2") {
		t.Errorf("%+v", line.Spans)
	}
}

// TestReplay_AskedRuns: where these rules ask for none, runs that were asked for do not count.
func TestReplay_AskedRuns(t *testing.T) {
	p := measured(20*time.Minute, three, []wire.Saved{saved("web", time.Minute)}, broken("web", "", 10*time.Minute, 15*time.Minute))
	for i, agent := range []string{"oslo", "paris", "tokyo"} {
		p.add(&p.monitors[0], agent, begin.Add(10*time.Minute+4*time.Second+time.Duration(i)*time.Second), "refused", "make-sure")
	}
	p.order()
	off := wire.Crosscheck(0)
	before, after := p.under(t, nil)["web"], p.under(t, map[string]Rule{"web": {Verdict: &wire.Rule{Crosscheck: &off}}})["web"]
	c := Compare("web", before, after)
	if laterBy(c, wire.VerdictDown) < 30 {
		t.Errorf("%s\n%s\n%+v", told(before), told(after), c)
	}
	r := New(p.options(nil))
	for _, f := range p.facts {
		r.Apply(f)
	}
	if r.End(); r.Asked == 0 {
		t.Error("nothing would have been asked for")
	}
}

// TestReplay_AsItWasJudged compares with a judge that was given heartbeats: states
// and when they began are the same.
func TestReplay_AsItWasJudged(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var faults []func(string, string, time.Duration) string
		for range 6 {
			from := time.Duration(5+rng.IntN(40)) * time.Minute
			agent := []string{"oslo", "paris", "tokyo", ""}[rng.IntN(4)]
			faults = append(faults, broken([]string{"web", "db", "dns"}[rng.IntN(3)], agent, from, from+time.Duration(10+rng.IntN(300))*time.Second))
		}
		p := measured(time.Hour, three, []wire.Saved{saved("web", 5*time.Second), saved("db", 10*time.Second), saved("dns", 30*time.Second)}, func(m, a string, at time.Duration) string {
			for _, f := range faults {
				if finds := f(m, a, at); finds != "" {
					return finds
				}
			}
			return ""
		})
		got := p.under(t, nil)
		j, live := judge.New(), map[string]*Timeline{}
		collect := func() {
			for _, c := range j.Changes() {
				if v := c.Monitor; v != nil {
					if live[v.Monitor] == nil {
						live[v.Monitor] = &Timeline{}
					}
					live[v.Monitor].add(v)
				}
			}
		}
		beat := begin.Add(3 * time.Second)
		for _, f := range p.facts {
			for ; beat.Before(f.At); beat = beat.Add(wire.AliveEvery) {
				for id, labels := range three {
					j.Presence(wire.Alive{Agent: id, At: beat, Labels: labels}, beat)
				}
				collect()
			}
			if f.Saved != nil {
				j.Monitor(*f.Saved, f.At)
			} else {
				j.Result(f.Result, judge.Began(f.Result, f.At), f.At)
			}
			collect()
		}
		for name, line := range live {
			line.end(p.until())
			line.cut(begin.Add(5*time.Minute), p.until())
			if a, b := told(line), told(got[name]); a != b || line.Verdicts != got[name].Verdicts {
				t.Errorf("seed %d, %s: replayed\n%s, judged\n%s", seed, name, b, a)
			}
		}
	}
}

// TestReplay_MonitorsOfThePast: what was saved otherwise, deleted or paused is judged so.
func TestReplay_MonitorsOfThePast(t *testing.T) {
	p := measured(40*time.Minute, three, []wire.Saved{saved("web", 10*time.Second)}, broken("web", "", 25*time.Minute, 30*time.Minute))
	paused := p.monitors[0]
	paused.Paused, paused.Revision = true, 2
	for i := range p.facts {
		if r := p.facts[i].Result; r != nil && p.facts[i].At.After(begin.Add(32*time.Minute)) {
			r.Revision = 3
		}
	}
	again := p.monitors[0]
	again.Revision = 3
	p.facts = append(p.facts, Fact{At: begin.Add(20 * time.Minute), Saved: &paused}, Fact{At: begin.Add(31 * time.Minute), Saved: &again}, Fact{At: begin.Add(36 * time.Minute), Deleted: "web"})
	p.order()
	line := p.under(t, nil)["web"]
	got := told(line)
	if !strings.HasPrefix(got, "up 5m0s, paused 20m0s, ") || strings.Contains(got, "down") || !line.last().To.Equal(begin.Add(36*time.Minute)) {
		t.Errorf("%s, until %v", got, line.last().To)
	}
}

// TestReplay_Placements: of the agents that match, those count that were chosen then.
func TestReplay_Placements(t *testing.T) {
	p := measured(40*time.Minute, three, []wire.Saved{saved("web", 10*time.Second)}, broken("web", "paris", 10*time.Minute, 35*time.Minute))
	p.monitors[0].Agents = wire.Selectors{"2 of all"} // all measured it, and of one it says nothing
	p.facts = append(p.facts, Fact{At: begin, Placed: &wire.Placement{Monitor: "web", Agents: []string{"oslo", "paris"}}},
		Fact{At: begin.Add(20 * time.Minute), Placed: &wire.Placement{Monitor: "web", Agents: []string{"oslo", "tokyo"}}})
	p.order()
	line := p.under(t, nil)["web"]
	if got := told(line); !strings.HasPrefix(got, "up 5m0s, degraded 10m") || len(line.Spans) != 3 || line.Spans[2].State != wire.VerdictUp {
		t.Errorf("%s", got)
	}
}

func BenchmarkReplay(b *testing.B) {
	p := measured(6*time.Hour, three, []wire.Saved{saved("web", 10*time.Second), saved("db", 10*time.Second), saved("dns", 10*time.Second)}, broken("web", "paris", time.Hour, 2*time.Hour))
	o := p.options(nil)
	b.ResetTimer()
	n := 0
	for n < b.N {
		r := New(o)
		for _, f := range p.facts {
			r.Apply(f)
			n++
		}
	}
}
