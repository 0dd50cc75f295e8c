// Package push hands what the mesh measures and judges to other tools: remote write,
// OTLP, InfluxDB, and lines of JSON in a file or on standard output.
//
// A [Pusher] reads the stream RESULTS once and gives each result to every destination
// in order. Each destination has a position of its own, in a file, and goes at its own
// pace: one that is down holds up nobody else, and takes no memory beyond a bound, since
// what it misses stays in the stream.
//
// A position is stored after the receiver acknowledged. Before a batch is sent the file
// says where that batch ends, so that after kill -9 the same batch is sent again, with
// the same timestamps and values: at most that one is doubled, and receivers that know a
// sample by its time keep one of it. A regular file gets each line once: what is behind
// the length in its position is cut when it continues (docs/adr/0077).
package push
