package push

import "netmon/history"

// epochsMost bounds the epochs whose numbers are remembered.
const epochsMost = 10_000

// numbers are those of the results that were sent, by epoch: an agent whose acknowledgement
// was lost stores a result twice.
type numbers map[epoch]*history.Numbers

type epoch struct{ agent, epoch string }

func (n numbers) isNew(r *Result) bool {
	if r.Epoch == "" || r.Seq == 0 {
		return true
	}
	key := epoch{r.Agent, r.Epoch}
	of := n[key]
	if of == nil {
		if len(n) >= epochsMost {
			clear(n)
		}
		of = &history.Numbers{}
		n[key] = of
	}
	return of.Take(r.Seq)
}
