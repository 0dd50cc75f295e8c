package engine_test

import (
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

func measureWithin(t *testing.T, timeout time.Duration, kind, target, options string) wire.Result {
	t.Helper()
	return probetest.MeasureOf(t, kinds.All(), timeout, kind, target, options)
}

func newCheck(t *testing.T, env *probes.Env, kind, target, options string) *probes.Check {
	t.Helper()
	return probetest.CheckOf(t, kinds.All(), env, kind, target, options)
}
