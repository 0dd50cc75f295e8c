// Package targets has servers to measure, for tests and the lab: for each protocol
// some that work, some that are slow, and some that are broken, each in its own way.
// Each listens where it is asked to, in this process, and has ended when its Close
// returns.
package targets
