package tcp

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"netmon/probes/engine"
)

// tcpWitness holds on to the socket of a connection that package net gives up:
// a target that resets what it has just taken was connected, and the kernel still
// knows how long that took.
type tcpWitness struct {
	fd int // and one; 0 is none
}

// watch has w hold the next socket that d makes. What d does with it already continues.
func (w *tcpWitness) watch(d *net.Dialer) {
	before := d.Control
	d.Control = func(network, address string, rc syscall.RawConn) error {
		if before != nil {
			if err := before(network, address, rc); err != nil {
				return err
			}
		}
		w.close()
		return rc.Control(func(fd uintptr) {
			if held, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
				w.fd = held + 1
			}
		})
	}
}

// info is what the kernel knows of the connection, nil where it does not say.
func (w *tcpWitness) info() *engine.TCPInfo {
	if w.fd == 0 {
		return nil
	}
	info, _ := engine.TCPInfoFD(w.fd - 1)
	return info
}

func (w *tcpWitness) close() {
	if w.fd != 0 {
		unix.Close(w.fd - 1)
		w.fd = 0
	}
}
