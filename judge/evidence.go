package judge

import (
	"slices"

	"netmon/wire"
)

// evidence is what the verdict rests on: of each agent the run that speaks for what it
// finds, those that find it bad first, and of these the newest.
func (t *tally) evidence() []wire.Evidence {
	var out []wire.Evidence
	for _, v := range []voice{saysDown, saysSlow, isBlind, isAside, saysUp} {
		var list []wire.Evidence
		for _, s := range t[v] {
			b := &s.Last
			if s.Fail != nil && (v == saysDown || v == saysSlow || v == isAside) {
				b = s.Fail
			}
			if b.Class != none {
				list = append(list, evidence(s.a.id, b))
			}
		}
		newestFirst(list)
		out = append(out, list[:min(len(list), wire.MaxEvidence-len(out))]...)
	}
	newestFirst(out)
	return out
}

func newestFirst(list []wire.Evidence) {
	slices.SortStableFunc(list, func(a, b wire.Evidence) int { return b.Started.Compare(a.Started) })
}

func evidence(agent string, b *brief) wire.Evidence {
	outcome := wire.OK
	switch b.Class {
	case slow, bad:
		outcome = wire.Failed
	case broken:
		outcome = wire.Broken
	}
	r := wire.Result{Agent: agent, Epoch: b.Epoch, Seq: b.Seq}
	return wire.Evidence{Agent: agent, Started: b.At.time(), Outcome: outcome, Failure: b.Failure, Text: b.Text, ID: r.ID(), Asked: b.Asked}
}
