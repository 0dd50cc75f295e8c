package view

import "netmon/judge"

// together is one place of a monitor's strip, of the runs of its agents there.
func together(n judge.Counts) judge.State {
	switch {
	case n[judge.Down] > 0 && n[judge.Up]+n[judge.Degraded] > 0:
		return judge.Degraded
	case n[judge.Down] > 0:
		return judge.Down
	case n[judge.Unknown] > 0:
		return judge.Unknown
	case n[judge.Degraded] > 0:
		return judge.Degraded
	case n[judge.Up] > 0:
		return judge.Up
	}
	return judge.Unknown
}
