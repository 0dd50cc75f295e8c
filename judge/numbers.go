package judge

import "netmon/wire"

// Numbers knows which results of a series were counted. A number that is higher than
// all before is new, whatever else it says: a result that is counted twice does less
// harm than one that is not counted.
type Numbers struct {
	Epoch string `json:"epoch,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`  // the highest
	Run   uint64 `json:"run,omitempty"`  // of that one
	Bits  uint64 `json:"bits,omitempty"` // of the runs before it, the lowest bit is the newest
}

// Accept says whether a result is new, and remembers it.
func (n *Numbers) Accept(r *wire.Result, newer bool) bool {
	if r.Seq == 0 {
		return newer // it has no number
	}
	if r.Epoch != n.Epoch {
		if n.Epoch != "" && !newer {
			return false // of an earlier life of the agent
		}
		*n = Numbers{Epoch: r.Epoch, Seq: r.Seq, Run: r.Run}
		return true
	}
	if r.Seq > n.Seq {
		switch ahead := r.Run - n.Run; {
		case r.Run <= n.Run || ahead > 63:
			n.Bits = 0
		default:
			n.Bits = n.Bits<<ahead | 1<<(ahead-1)
		}
		n.Seq, n.Run = r.Seq, r.Run
		return true
	}
	back := n.Run - r.Run
	if r.Seq == n.Seq || r.Run >= n.Run || back > 64 || n.Bits&(1<<(back-1)) != 0 {
		return false
	}
	n.Bits |= 1 << (back - 1)
	return true
}
