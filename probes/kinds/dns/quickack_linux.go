package dns

import (
	"crypto/tls"
	"net"

	"golang.org/x/sys/unix"
)

// quickAck makes the kernel acknowledge what comes at once (tcp(7),
// TCP_QUICKACK), for the next few segments. A server that writes in several small
// pieces, as a session ticket and then the answer, otherwise waits with the next
// until this host's delayed acknowledgement of the previous one (RFC 9293 section
// 3.7.4), 40 ms later, and the answer would seem to have taken so long.
func quickAck(conn net.Conn) {
	if c, ok := conn.(*tls.Conn); ok {
		conn = c.NetConn()
	}
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
}
