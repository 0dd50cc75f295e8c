package judge

import "time"

// hostView counts the monitors of one host on one agent.
type hostView struct {
	good      int // that it finds good
	fail      int // that it finds bad, and others good
	uncertain int // that it finds bad, and nobody good
}

// reach is how a series counts for the agent's own trouble.
type reach uint8

const (
	noReach reach = iota // it says nothing
	reaches
	fails     // it is bad, and somebody else found it good since
	uncertain // it is bad, and nobody found it good since
)

func (h *hostView) failing() bool { return h.good == 0 && h.fail > 0 }
func (h *hostView) counts() bool  { return h.good+h.fail > 0 }
func (h *hostView) dark() bool    { return h.good+h.fail == 0 && h.uncertain > 0 }

// setReach counts a series for its agent's own trouble.
func (j *Judge) setReach(s *series, to reach) {
	if s.reach == to {
		return
	}
	a, host := s.a, s.m.host
	h := a.hosts[host]
	if h == nil {
		h = &hostView{}
		if a.hosts == nil {
			a.hosts = map[string]*hostView{}
		}
		a.hosts[host] = h
	}
	reached, failing, dark := h.counts(), h.failing(), h.dark()
	for _, c := range []struct {
		r reach
		d int
	}{{s.reach, -1}, {to, 1}} {
		switch c.r {
		case reaches:
			h.good += c.d
		case fails:
			h.fail += c.d
		case uncertain:
			h.uncertain += c.d
		}
	}
	s.reach = to
	a.reached += count(h.counts()) - count(reached)
	a.failing += count(h.failing()) - count(failing)
	a.dark += count(h.dark()) - count(dark)
	if h.failing() && !failing && !j.restoring {
		a.Failed = append(a.Failed, s.BadFrom)
		a.Failed = a.Failed[max(0, len(a.Failed)-fewestHosts):]
	}
	if *h == (hostView{}) {
		delete(a.hosts, host)
	}
	j.markAgent(a)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compare finds for each agent whether the monitor shows trouble of its own: it
// finds it bad, and another one found it good since.
func (j *Judge) compare(m *monitor) {
	lastGood := moment(0)
	for _, s := range m.Series {
		if n := s.newest(); s.Placed && (n == good || n == slow) {
			lastGood = max(lastGood, s.Runs[len(s.Runs)-1].At)
		}
	}
	m.uncertain = false
	for _, s := range m.Series {
		to := noReach
		switch n := s.newest(); {
		case !s.Placed || n == none:
		case n != bad:
			to = reaches
		case lastGood >= s.BadFrom && s.foundGood(lastGood):
			to = fails
		default:
			to, m.uncertain = uncertain, true
		}
		j.setReach(s, to)
	}
}

// foundGood notes that somebody else found the target good since it is bad for this
// agent, and says whether it was bad again after that. At the end of an outage one agent
// finds it good before the others have run again: that says nothing against these.
func (s *series) foundGood(at moment) bool {
	if s.Witness == 0 {
		s.Witness = at
	}
	s.Alone = s.Alone || s.newestAt() >= s.Witness
	return s.Alone
}

// growLong is for how long an agent's word against others waits while it fails on more
// and more hosts: it is most likely its own line.
const growLong = 15 * time.Second

// growing is until when what the agent alone finds bad since then has to wait.
func (a *agent) growing(since moment) moment {
	if len(a.Failed) < fewestHosts || since.sub(a.Failed[0]) > growLong {
		return 0
	}
	return since.add(growLong)
}
