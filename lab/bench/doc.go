// Command bench measures what netmon costs and whether it keeps its time, with
// real processes: targets, broker and agent, each its own.
//
//	go run ./lab/bench                                   # the table: every kind at 1,000 monitors
//	go run ./lab/bench -kinds icmp,udp -monitors 10000
//	go run ./lab/bench -kinds icmp -against fping        # a peer over the same targets
//	go run ./lab/bench -help                             # the other measurements
//
// It needs Linux, and is best run as root: then all of it runs in a network
// namespace of its own, where nothing else is counted, and ICMP datagram sockets
// are open. Probes are counted by the target, not by what the sender says.
//
// docs/performance.md holds one run.
package main
