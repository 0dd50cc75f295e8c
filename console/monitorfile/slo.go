package monitorfile

import "netmon/wire"

// slo is the objective of a monitor in a file.
type slo struct {
	Objective float64 `json:"objective" help:"percent of the window in which it is to be not down, such as 99.9"`
	Window    span    `json:"window,omitempty" zero:"no" help:"over which the error budget is counted, 3d to 366d; default: 30d"`
}

// saved is nil where nothing was written.
func (s *slo) saved() *wire.SLO {
	if s == nil {
		return nil
	}
	return &wire.SLO{Objective: s.Objective, Window: wire.Duration(s.Window)}
}

func sloOf(s *wire.SLO) *slo {
	if s == nil {
		return nil
	}
	return &slo{s.Objective, span(s.Window)}
}
