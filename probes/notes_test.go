package probes

import (
	"testing"
)

func TestRun_Notes(t *testing.T) {
	run := &Run{}
	run.note("a")
	run.note("a")
	run.note("")
	run.note("b")
	if got := run.noted("s") + run.noted(""); got != "s, a; ba; b" {
		t.Errorf("%q", got)
	}
}
