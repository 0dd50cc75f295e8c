package tls

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

func refused(t *testing.T, kind, target, options string) string {
	t.Helper()
	return probetest.RefusedBy(t, Kinds(), kind, target, options)
}
