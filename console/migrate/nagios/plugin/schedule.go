package plugin

import (
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// Schedule carries an interval and the retries before a problem is a hard one. netmon has no
// retries of its own: a monitor is down after so many bad runs in a row as take as long as
// the retries would, so that it is neither sooner nor much later known.
func Schedule(m *migrate.Monitor, check, retry time.Duration, attempts int) {
	if check <= 0 {
		check = 5 * time.Minute
		m.Paused = true
		m.Note("its interval is 0, so it never ran by itself: it is paused")
	}
	if check > wire.MaxEvery {
		m.Note("it ran every %v: netmon measures once a day at least", wire.Duration(check))
		check = wire.MaxEvery
	}
	check = max(check, wire.MinEvery)
	m.Every = wire.Duration(check)
	bad := attempts
	if retry > 0 && retry != check && attempts > 1 {
		confirm := time.Duration(min(attempts-1, 1000)) * min(retry, wire.MaxEvery)
		bad = 1 + int((confirm+check-1)/check)
		m.Note("%d attempts, %v apart, before it counts: netmon has no retries, and %d bad runs in a row take as long", attempts, wire.Duration(retry), bad)
	}
	if bad > wire.MaxStrikes {
		m.Lose("%d attempts: netmon looks back at %d runs", attempts, wire.MaxStrikes)
		bad = wire.MaxStrikes
	}
	m.Verdict = &wire.Rule{Down: wire.Strikes{Bad: bad, Of: bad}}
}
