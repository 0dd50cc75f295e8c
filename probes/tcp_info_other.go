//go:build !linux

package probes

import "net"

// tcpInfoOf is known on Linux only.
func tcpInfoOf(net.Conn) *TCPInfo { return nil }
