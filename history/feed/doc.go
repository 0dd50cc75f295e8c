// Package feed fills a controller's history file from the streams of the mesh, publishes
// closed hours while its controller leads, and answers questions about them.
//
// Every controller has a [Feeder], also one that stands by. It reads RESULTS and VERDICTS
// over a connection of its own, from the positions in its file on: nobody waits for it, and
// where the broker has more than it can take it falls behind. A result that is gone from
// the stream before it was read is a gap, which the hours of the stream HISTORY fill as far
// as another controller saw it.
package feed
