package engine

import (
	"net"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrorQueue holds on to the socket of a connection that package net makes, and
// closes when it fails: only there the kernel says which ICMP message it was.
type ErrorQueue struct {
	fd int // and one; 0 is none
	v6 bool
}

// Watch has q hold the next socket that d makes. What d does with it already continues.
func (q *ErrorQueue) Watch(d *net.Dialer) {
	before := d.Control
	d.Control = func(network, address string, rc syscall.RawConn) error {
		if before != nil {
			if err := before(network, address, rc); err != nil {
				return err
			}
		}
		q.Close()
		return rc.Control(func(fd uintptr) {
			if held, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
				q.fd, q.v6 = held+1, strings.HasSuffix(network, "6")
				QueueICMP(held, q.v6, 1)
			}
		})
	}
}

// Explain puts err, of connecting, in the words of the ICMP message behind it,
// if one is. came says so: then a packet had left this host.
func (q *ErrorQueue) Explain(err error) (explained error, came bool) {
	if q.fd == 0 {
		return err, false
	}
	text := QueuedICMP(q.fd - 1)
	return ICMPExplained(err, text), text != ""
}

// Close lets go of the socket, which continues as if it had not been watched.
func (q *ErrorQueue) Close() {
	if q.fd != 0 {
		QueueICMP(q.fd-1, q.v6, 0)
		unix.Close(q.fd - 1)
		q.fd = 0
	}
}
