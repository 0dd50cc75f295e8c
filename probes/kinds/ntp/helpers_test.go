package ntp

import (
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/wire"
)

func measure(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, Kinds(), 5*time.Second, kind, target, options)
}

// steadily calls f until nobody set this host's clock meanwhile: the server of a test
// stamps by it. Some virtual machines are set every second.
func steadily(t *testing.T, f func()) {
	t.Helper()
	const most = 50 * time.Microsecond
	var moved time.Duration
	for range 20 {
		begin := time.Now()
		f()
		end := time.Now()
		if moved = (end.Round(0).Sub(begin.Round(0)) - end.Sub(begin)).Abs(); moved <= most {
			return
		}
	}
	t.Skipf("skipped: this host's clock is set again and again, by %v within one measurement", moved)
}

func measureWithin(t *testing.T, timeout time.Duration, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, Kinds(), timeout, kind, target, options)
}

func refused(t *testing.T, kind, target, options string) string {
	t.Helper()
	return probetest.RefusedBy(t, Kinds(), kind, target, options)
}

func untilAnswered(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.UntilAnsweredBy(t, Kinds(), kind, target, options)
}
