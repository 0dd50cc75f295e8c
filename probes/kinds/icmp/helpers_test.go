package icmp

import (
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

func measure(t *testing.T, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, Kinds(), 5*time.Second, kind, target, options)
}

func measureWithin(t *testing.T, timeout time.Duration, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, Kinds(), timeout, kind, target, options)
}

func refused(t *testing.T, kind, target, options string) string {
	t.Helper()
	return probetest.RefusedBy(t, Kinds(), kind, target, options)
}

func newCheck(t *testing.T, env *probes.Env, kind, target, options string) *probes.Check {
	t.Helper()
	return probetest.CheckOf(t, Kinds(), env, kind, target, options)
}
