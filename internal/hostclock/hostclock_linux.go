package hostclock

import (
	"time"

	"golang.org/x/sys/unix"
)

// KernelClock reads what the kernel knows of its own clock (adjtimex(2)); it
// needs no privilege as it changes nothing.
func KernelClock() (c localClockState, ok bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return c, false
	}
	c.Synchronised = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	c.MaxError = time.Duration(t.Maxerror) * time.Microsecond
	c.EstError = time.Duration(t.Esterror) * time.Microsecond
	return c, true
}
