//go:build !linux

package engine

import (
	"net"
)

// ErrorQueue needs the IP_RECVERR of Linux.
type ErrorQueue struct{}

// Watch does nothing.
func (*ErrorQueue) Watch(*net.Dialer) {}

// Explain returns err as it is.
func (*ErrorQueue) Explain(err error) (error, bool) { return err, false }

// Close does nothing.
func (*ErrorQueue) Close() {}
