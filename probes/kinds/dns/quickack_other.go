//go:build !linux

package dns

import (
	"net"
)

// quickAck is for Linux, whose kernel can be configured.
func quickAck(net.Conn) {}
