// Package tls makes a TLS handshake and checks the certificates (RFC 8446).
package tls
