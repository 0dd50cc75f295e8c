// Package tcp connects, and can hold a dialogue, with STARTTLS in the protocols that
// have it (RFC 9293).
package tcp
