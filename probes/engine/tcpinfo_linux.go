package engine

import (
	"math"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// TCPInfoOf asks the kernel what it knows of a connection; nil when it does not say.
func TCPInfoOf(conn net.Conn) *TCPInfo {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	rc, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	var info *TCPInfo
	rc.Control(func(fd uintptr) { info, _ = TCPInfoFD(int(fd)) })
	return info
}

// TCPInfoFD is TCPInfoOf for a descriptor. state is the connection's.
func TCPInfoFD(fd int) (out *TCPInfo, state uint8) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return nil, 0
	}
	us := func(v uint32) int64 { return int64(time.Duration(v) * time.Microsecond) }
	out = &TCPInfo{RTTNS: us(info.Rtt), RTTVarNS: us(info.Rttvar), Retransmits: int64(info.Total_retrans), MSS: int64(info.Snd_mss), PMTU: int64(info.Pmtu)}
	if info.Min_rtt != math.MaxUint32 {
		out.MinRTTNS = us(info.Min_rtt)
	}
	return out, info.State
}
