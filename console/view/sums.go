package view

// SetSums takes figures of monitors of which there are no runs, by monitor and agent; "" is
// all agents together. They stand where no run says otherwise.
func (v *Mesh) SetSums(of map[string]map[string]Figures) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sums = of
	for _, m := range v.monitors {
		m.figured = false
	}
}

// summed are the figures f of runs, or, where there are none, those that were given.
func (v *Mesh) summed(f Figures, monitor, agent string) Figures {
	if f.P50.OK || f.Good.OK || f.Loss.OK || v.sums == nil {
		return f
	}
	of, ok := v.sums[monitor][agent]
	if !ok {
		return f
	}
	of.CertDays = f.CertDays
	return of
}
