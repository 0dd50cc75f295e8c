package ntp

import (
	"runtime"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes/engine"
	"netmon/wire"
)

func measure(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, Kinds(), 5*time.Second, kind, target, options)
}

// measureSteadily measures until nobody set this host's clock meanwhile: the server of a
// test stamps by it. A virtual machine may be set every second.
func measureSteadily(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	for range 20 {
		r := measure(t, kind, target, options)
		if probetest.DetailsOf[Details](t, r).Clock != engine.ClockUser || runtime.GOOS != "linux" {
			return r
		}
	}
	t.Skip("skipped: this host's clock is set again and again")
	panic("unreachable")
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
