// Package race says whether a test runs under the race detector, where signing,
// copying and starting a process take ten times as long. Counts and floods may be
// smaller there: their figures matter in the plain run only, and the code that runs is
// the same.
package race
