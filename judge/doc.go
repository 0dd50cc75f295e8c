// Package judge decides in which state monitors are. It is the one place that
// does: commands, prompt, screen and exports ask it, and decide nothing themselves.
//
// It is pure: it knows no NATS, no clock and no goroutine. Whoever asks brings the
// facts and how old they are, so that live evaluation and a replay are the same code.
//
// A result has a state ([OfResult]), a monitor on one agent has one
// ([Series.State]), and so has a monitor as a whole ([OfMonitor]).
package judge
