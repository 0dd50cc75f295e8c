// Package cputime says how much CPU time something took, as far as the system counts it for a
// part of a process: Linux does. Elsewhere it is the time that passed, which is more.
package cputime

import (
	"runtime"
	"time"
)

// Of runs something in this goroutine, and says how much CPU time that took. What others do
// for it is not in it.
func Of(do func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := now()
	do()
	return max(0, now()-before)
}
