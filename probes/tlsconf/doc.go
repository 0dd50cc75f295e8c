// Package tlsconf is the part of TLS that several kinds share: its options, the
// handshake, the certificates, and what is expected of them (RFC 8446, RFC 5280).
package tlsconf
