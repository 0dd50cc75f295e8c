//go:build !linux

package cputime

import "time"

var begun = time.Now()

// now is the time that passed.
func now() time.Duration { return time.Since(begun) }
