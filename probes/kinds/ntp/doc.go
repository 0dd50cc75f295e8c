// Package ntp asks a time server what time it is, and whether to believe it (RFC 5905).
package ntp
