//go:build !linux

package engine

import (
	"net"
)

// TCPInfoOf is known on Linux only.
func TCPInfoOf(net.Conn) *TCPInfo { return nil }
