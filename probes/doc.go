// Package probes says what a kind of probe is, and runs one: its options and
// figures, how it validates, measures and reports. The kinds of netmon are in
// probes/kinds; a program of somebody else's brings its own: see [NewKind].
//
// A probe knows no broker and no schedule. It measures when it is asked to,
// obeys the context, and leaves nothing running. What the probes of one
// process share (sockets, resolvers, memory for bodies) lives in an [Env] that
// the caller owns.
//
// CONTRIBUTING.md says how to add a kind to netmon, docs/architecture.md why
// there is an engine below.
package probes
