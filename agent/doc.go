// Package agent runs monitors on one host and delivers what they measure.
//
// The parts, in the direction of the data:
//
//	commands ─▶ set ─▶ schedule ─▶ runner ─▶ spool ─▶ sender ─▶ broker
//
// The set (which monitors run) changes only by commands and is kept in a file. The
// schedule says what is due, the runner measures it, the spool keeps results on disk
// until the broker has acknowledged them, and the sender sends them. The link holds
// the one connection to the broker; while it is down, everything but the sender keeps
// working.
//
// All parts work in slots of 5 ms: runs that are due start together, and results are
// written, sent and acknowledged together (docs/adr/0014).
//
// [Agent.Run] owns every goroutine: when it returns, all have ended.
package agent
