package engine

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// bindTo makes d's sockets use the network interface of this name.
func bindTo(d *net.Dialer, name string) error {
	if _, err := net.InterfaceByName(name); err != nil {
		return err
	}
	d.Control = func(_, _ string, rc syscall.RawConn) error {
		var err error
		if cerr := rc.Control(func(fd uintptr) {
			err = unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, name)
		}); cerr != nil {
			return cerr
		}
		return err
	}
	return nil
}
