package kinds

import (
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

func measure(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, All(), 5*time.Second, kind, target, options)
}

func measureWithin(t *testing.T, timeout time.Duration, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, All(), timeout, kind, target, options)
}

func refused(t *testing.T, kind, target, options string) string {
	t.Helper()
	return probetest.RefusedBy(t, All(), kind, target, options)
}

func newCheck(t *testing.T, env *probes.Env, kind, target, options string) *probes.Check {
	t.Helper()
	return probetest.CheckOf(t, All(), env, kind, target, options)
}
