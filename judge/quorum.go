package judge

import (
	"slices"

	"netmon/wire"
)

// voice is what an agent says of a monitor, and whether that counts.
type voice uint8

const (
	saysDown voice = iota
	saysSlow
	saysUp
	waiting  // it has to measure, and has not measured enough
	isBlind  // it cannot measure
	isSilent // it has not measured in time
	isAside  // its word does not count
	voices   = iota
)

// able says whether the voice counts.
func (v voice) able() bool { return v <= saysUp }

func (s *series) voice() voice {
	switch {
	case s.a.aside() || s.Parent != "":
		return isAside
	case s.blind():
		return isBlind
	case s.Silent:
		return isSilent
	}
	switch s.Status {
	case isDown:
		return saysDown
	case isSlow:
		return saysSlow
	case isGood:
		return saysUp
	}
	return waiting
}

// tally is who says what of a monitor, in order of the agents' names.
type tally [voices][]*series

func (m *monitor) tally() (t tally) {
	for _, s := range m.Series {
		if s.Placed {
			v := s.voice()
			t[v] = append(t[v], s)
		}
	}
	return t
}

func (t *tally) able() int {
	return len(t[saysDown]) + len(t[saysSlow]) + len(t[saysUp])
}

func (t *tally) placed() int {
	return t.able() + len(t[waiting]) + len(t[isBlind]) + len(t[isSilent]) + len(t[isAside])
}

// ids are the agents of these series.
func ids(list []*series) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.a.id
	}
	return out
}

// decision is what follows from a tally.
type decision struct {
	state wire.VerdictState
	need  int
	short bool // too few are able for the quorum
}

// decide applies the quorum.
func (t *tally) decide(q wire.Quorum) decision {
	d := decision{need: q.Need(t.able())}
	// weight is how much these agents count: how many they are or, of a quorum that
	// wants different ones, how many values of the label they have.
	weight := func(lists ...[]*series) int {
		n := 0
		var values []string
		for _, list := range lists {
			n += len(list)
			for _, s := range list {
				if v, ok := s.a.Labels[q.Label]; ok && !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
		}
		if q.Kind == wire.QuorumDistinct {
			return len(values)
		}
		return n
	}
	down, slow, up := t[saysDown], t[saysSlow], t[saysUp]
	d.short = weight(down, slow, up) < d.need
	switch {
	case len(down) > 0 && weight(down) >= d.need:
		d.state = wire.VerdictDown
	case len(down) > 0 && d.short && len(up)+len(slow) == 0:
		d.state = wire.VerdictUnknown
	case len(down) > 0, len(slow) > 0 && (len(up) == 0 || weight(down, slow) >= d.need):
		d.state = wire.VerdictDegraded
	case len(up) > 0:
		d.state = wire.VerdictUp
	default:
		d.state = wire.VerdictUnknown
	}
	return d
}
