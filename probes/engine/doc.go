// Package engine has what the runs of one process share to measure without a
// goroutine each: sockets and the poller that waits for them, kernel timestamps,
// ICMP messages, addresses of names, the kernel's view of a TCP connection. It
// knows nothing of probes: it returns system errors, [ICMPError] and
// [NoRouteError], and package probes says what they mean.
package engine
