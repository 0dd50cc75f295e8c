// Package judge decides in which state monitors are. It is the only place that does:
// commands, prompt, screen and exports ask it, and decide nothing themselves.
//
// It is pure: it knows no NATS, no clock and no goroutine. The caller brings the facts
// and their times, so that live evaluation and a replay are the same code.
//
// A result has a state ([OfResult]), a monitor on one agent has one ([Series.State]),
// and so has a monitor as a whole ([OfMonitor]).
package judge
