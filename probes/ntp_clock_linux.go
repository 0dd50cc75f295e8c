package probes

import (
	"time"

	"golang.org/x/sys/unix"
)

// kernelClock reads what the kernel knows of its own clock (adjtimex(2)); it
// needs no privilege as it changes nothing.
func kernelClock() (c localClockState, ok bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return c, false
	}
	c.synchronised = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	c.maxError = time.Duration(t.Maxerror) * time.Microsecond
	c.estError = time.Duration(t.Esterror) * time.Microsecond
	return c, true
}
