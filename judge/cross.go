package judge

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"netmon/wire"
)

const (
	askEvery   = time.Second      // from one run of itself that an agent is asked for to the next
	mostChecks = 3                // runs of itself
	onTheWay   = time.Second      // for a command and a result to arrive
	leastCross = 30 * time.Second // between two times that others are asked about a monitor, and an agent is asked to make sure
)

// cross is a cross-check: who was asked to measure at once, and what came of it.
type cross struct {
	At     moment   `json:"at"`
	Until  moment   `json:"until"`           // the last answer should be there
	Latest moment   `json:"latest,omitzero"` // answer
	ID     string   `json:"id"`              // of the result that began it
	Asked  []answer `json:"asked,omitempty"`
}

// answer is one run that was asked for.
type answer struct {
	Agent    string `json:"agent"`
	ID       string `json:"id"`
	Answered bool   `json:"answered,omitempty"`
	Bad      bool   `json:"bad,omitempty"`
}

// check is how an agent makes sure of what it found: it measures once more, some times.
type check struct {
	Asked    int    `json:"asked,omitempty"`
	Answered int    `json:"answered,omitempty"`
	ID       string `json:"id,omitempty"`   // of the run that is under way
	Last     moment `json:"last,omitzero"`  // when it was asked for
	Due      moment `json:"due,omitzero"`   // when to ask again; 0 when not
	Good     bool   `json:"good,omitempty"` // it makes sure that it is good
}

// turned has the agent of a series, and others, make sure when it turns bad, or good
// again while the monitor is down.
func (j *Judge) turned(s *series, before face) {
	m, n := s.m, s.newest()
	turnedBad := n == bad && before.newest != bad && s.Status != isDown
	turnedGood := n != bad && before.newest == bad && s.Status == isDown
	if s.Last.Class == broken || !turnedBad && !turnedGood {
		return
	}
	waved := turnedBad && j.waved(m)
	if turnedBad {
		j.askParents(s)
	}
	if *m.rule.Crosscheck == 0 || s.a.aside() || s.Parent != "" || waved {
		return
	}
	if !j.outstanding(m) {
		m.Cross = &cross{At: j.now, ID: fmt.Sprintf("%016x", hash(m.Name, s.a.id, s.Last.Epoch, s.Last.Seq))}
	}
	if turnedBad || m.Holds.State == wire.VerdictDown {
		j.askOthers(s, turnedGood)
	}
	begun := &s.CheckedBad
	if turnedGood {
		begun = &s.CheckedGood
	}
	s.Check = check{Good: turnedGood}
	if *begun == 0 || j.now >= begun.add(leastCross) {
		*begun, s.Check.Due = j.now, j.now
	}
	j.mark(m)
}

// askOthers asks those who can tell, of each monitor once in a while.
func (j *Judge) askOthers(s *series, recovers bool) {
	m := s.m
	last := &m.AskedBad
	if recovers {
		last = &m.AskedGood
	}
	if *last != 0 && j.now < last.add(leastCross) {
		return
	}
	others := j.witnesses(s, recovers)
	if !j.budget.spend(j.now, len(others)) {
		return
	}
	*last = j.now
	for _, o := range others {
		j.ask(m, o.a.id)
	}
}

// witnesses are the others that are asked: other regions first, and else in an order
// that is another one for each monitor.
func (j *Judge) witnesses(s *series, recovers bool) []*series {
	var out []*series
	for _, o := range s.m.Series {
		v := o.voice()
		if o == s || !o.Placed || !v.able() && v != waiting || recovers && v != saysDown {
			continue
		}
		out = append(out, o)
	}
	region := s.a.Labels["region"]
	slices.SortStableFunc(out, func(a, b *series) int {
		if region != "" {
			if x := cmp.Compare(count(a.a.Labels["region"] == region), count(b.a.Labels["region"] == region)); x != 0 {
				return x
			}
		}
		return cmp.Compare(hash(s.m.Name, a.a.id, "", 0), hash(s.m.Name, b.a.id, "", 0))
	})
	return out[:min(len(out), int(*s.m.rule.Crosscheck))]
}

// ask wants a run now, as part of the cross-check.
func (j *Judge) ask(m *monitor, agent string) string {
	c := m.Cross
	id := fmt.Sprintf("%s-%d", c.ID, len(c.Asked)+1)
	c.Asked = append(c.Asked, answer{Agent: agent, ID: id})
	c.Until = max(c.Until, j.now.add(m.Timeout.Std()+onTheWay))
	j.asks = append(j.asks, Ask{Agent: agent, Monitor: m.Name, ID: id, At: j.now.time()})
	return id
}

// answered notes a run that was asked for. It may carry the name that somebody else gave
// it who asked at the same time.
func (j *Judge) answered(s *series, r *wire.Result, c class, at moment) {
	m := s.m
	if r.Asked == "" {
		return
	}
	j.markChildren(m.Name)
	if s.Check.ID != "" && (s.Check.ID == r.Asked || at >= s.Check.Last) {
		s.Check.Answered, s.Check.ID = s.Check.Answered+1, ""
		if s.unsure() && s.Check.Asked < mostChecks {
			s.Check.Due = max(j.now, s.Check.Last.add(askEvery))
		}
		j.mark(m)
	}
	if m.Cross == nil {
		return
	}
	asked := m.Cross.Asked
	i := slices.IndexFunc(asked, func(a answer) bool { return a.Agent == r.Agent && a.ID == r.Asked })
	if i < 0 && at >= m.Cross.At {
		i = slices.IndexFunc(asked, func(a answer) bool { return a.Agent == r.Agent && !a.Answered })
	}
	if i >= 0 && !asked[i].Answered {
		asked[i].Answered, asked[i].Bad = true, c == bad
		m.Cross.Latest = j.now
		j.mark(m)
	}
}

// unsure says whether another run of itself would show more.
func (s *series) unsure() bool {
	if s.Check.Good {
		return s.Status == isDown && s.newest() != bad
	}
	return s.Status != isDown && s.newest() == bad
}

// check asks the agents for the runs of themselves that are due. It says when to come back.
func (j *Judge) check(m *monitor) (next moment) {
	for _, s := range m.Series {
		c := &s.Check
		if c.Due == 0 {
			continue
		}
		switch v := s.voice(); {
		case !s.unsure() || !s.Placed || !v.able() && v != waiting || m.Cross == nil:
			c.Due = 0
		case j.now < c.Due:
			next = earliest(next, c.Due)
		case j.budget.spend(j.now, 1):
			c.Asked, c.Due, c.Last = c.Asked+1, 0, j.now
			c.ID = j.ask(m, s.a.id)
		case m.Every.Std() > 10*time.Second: // it would be long until it runs by itself
			c.Due = j.now.add(askEvery)
			next = earliest(next, c.Due)
		default:
			c.Due = 0
		}
	}
	if c := m.Cross; c != nil && j.now < c.Until {
		next = earliest(next, c.Until)
	}
	return next
}

// unanswered says whether the agent was asked to make sure, and does not.
func (s *series) unanswered(now moment) bool {
	return s.Check.Asked > 0 && s.Check.Answered == 0 && now >= s.patience()
}

// patience is when an agent that was asked to make sure has had its time.
func (s *series) patience() moment { return s.Check.Last.add(s.m.Timeout.Std() + 2*onTheWay) }

// outstanding says whether more is to come of the cross-check.
func (j *Judge) outstanding(m *monitor) bool {
	c := m.Cross
	if c == nil {
		return false
	}
	for _, s := range m.Series {
		if s.Check.Due != 0 && s.Placed && j.now < c.At.add(m.Timeout.Std()+leastCross) {
			return true
		}
	}
	return j.now < c.Until && slices.ContainsFunc(c.Asked, func(a answer) bool { return !a.Answered })
}

// summary is the cross-check as it is in the verdict.
func (c *cross) summary() *wire.CrossCheck {
	if c == nil || len(c.Asked) == 0 {
		return nil
	}
	out := &wire.CrossCheck{Asked: len(c.Asked)}
	for _, a := range c.Asked {
		out.Answered += count(a.Answered)
		out.Bad += count(a.Bad)
	}
	if out.Answered > 0 {
		out.TookNS = int64(c.Latest.sub(c.At))
	}
	return out
}

func hash(monitor, agent, epoch string, seq uint64) uint64 {
	h := fnv.New64a()
	for _, s := range []string{monitor, agent, epoch} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	for i := range 8 {
		h.Write([]byte{byte(seq >> (8 * i))})
	}
	return h.Sum64()
}
