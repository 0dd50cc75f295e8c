// Package icmp sends echo requests (RFC 792, RFC 4443) and reports loss, round trips
// and jitter. On Linux all runs share a few sockets.
package icmp
