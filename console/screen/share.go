package screen

const leastPlot = 3 // rows of a plot at least

// room is how many lines each part of the detail has: titles apart.
type room struct {
	agents, plot, phases, failed int
	left                         int // for the runs on each agent
}

// share divides the lines that the detail, h high, has left below its head: first a little
// for each part, then more for what there is more of. want is what there is. A plot that
// was asked for comes before the others.
func share(h, left int, p plotted, want room, asked bool) (r room) {
	grow := func(rows *int, most int) {
		more := max(0, min(left, most-*rows))
		*rows, left = *rows+more, left-more
	}
	r.agents, r.failed = min(max(1, want.agents), 3), min(want.failed, 3)
	if asked {
		r.agents, r.failed = 1, 0
	}
	left -= 1 + r.agents
	if !asked {
		left -= 1 + r.failed
	}
	if left < 0 && !asked {
		r.failed, left = max(1, r.failed+left), 0
	}
	if p.title != "" {
		rows, fixed := leastPlot, 1+p.below
		if p.bars == nil {
			rows = len(p.text)
		}
		if asked {
			rows = max(1, min(rows, left-fixed))
		}
		if asked || left >= fixed+rows {
			r.plot, left = rows, max(0, left-fixed-rows)
		}
	}
	if asked {
		grow(&r.agents, min(want.agents, 3))
		if left >= 2 {
			left--
			grow(&r.failed, min(want.failed, 3))
		}
	}
	if r.phases = want.phases; left < r.phases {
		r.phases = 0 // some of them would look like all
	}
	left -= r.phases
	grow(&r.agents, min(want.agents, h/4))
	if p.bars != nil && r.plot > 0 {
		grow(&r.plot, h/4)
	}
	if r.failed > 0 {
		grow(&r.failed, min(want.failed, h/4))
	}
	grow(&r.agents, want.agents)
	if r.failed > 0 {
		grow(&r.failed, want.failed)
	}
	r.left = left
	if n := 1 + want.agents; want.agents > 0 && left >= n {
		left -= n
	}
	if p.bars != nil && r.plot > 0 {
		grow(&r.plot, h)
	}
	return r
}
