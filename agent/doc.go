// Package agent runs monitors on one host and delivers what they measure.
//
// The parts, in the direction of the data:
//
//	commands ─▶ set ─▶ schedule ─▶ runner ─▶ spool ─▶ sender ─▶ broker
//
// The set (what runs) changes only by commands and is kept in a file. The
// schedule says what is due, the runner measures it, the spool keeps results
// on disk until the broker has acknowledged them, the sender sends them. The link
// holds the one connection to the broker; everything but the sender goes on
// when it is down.
//
// All of it works by slots of 5 ms: what is due starts together, and what was
// measured is written, sent and acknowledged together (docs/adr/0014).
//
// [Agent.Run] owns every goroutine: when it returns, all have ended.
package agent
