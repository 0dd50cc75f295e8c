// Package probes measures. Each kind of measurement is a value in a file of
// its own: its options, its figures, how it validates, measures and reports.
// kinds.go is the one list of them.
//
// A probe knows no broker and no schedule. It measures when it is told to,
// obeys the context, and leaves nothing running. What the probes of one
// process share (sockets, resolvers) lives in an [Env] that the caller owns.
//
// To add a kind: write its file and its test, add one line to kinds.go, and
// run `go test ./probes -update` to bring README.md up to date.
package probes
