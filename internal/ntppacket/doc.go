// Package ntppacket encodes and decodes NTP packets (RFC 5905 section 7.3).
package ntppacket
