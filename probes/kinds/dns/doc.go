// Package dns asks one server for one name over UDP, TCP, TLS or HTTPS (RFC 1035,
// 7858, 8484) and reports what it answered.
package dns
