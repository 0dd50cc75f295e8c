// Package udp sends datagrams and reports what comes back: a reply, silence, or an
// ICMP error (RFC 768).
package udp
