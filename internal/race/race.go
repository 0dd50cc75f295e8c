//go:build race

// Package race says whether a test runs under the race detector, where signing,
// copying and starting a process take ten times as long. Counts and floods may be
// smaller there: what they measure is a matter of the plain run, and the code that
// runs is the same.
package race

// Enabled is whether this program was built with -race.
const Enabled = true
