package engine

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// EpollOnce reports once, after each time that it is armed, that a socket, or an
// epoll instance, has something to read. The runtime's own poller would report every packet, and
// wake a thread for each: at 1,000 echoes a second that is most of their cost.
type EpollOnce struct {
	poll *os.File // an epoll instance with the socket in it
	rc   syscall.RawConn
	fd   int // the socket
}

// NewEpollOnce watches the descriptor fd. It reports nothing before it is armed.
func NewEpollOnce(fd int) (*EpollOnce, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err = unix.SetNonblock(ep, true); err == nil { // or os.NewFile would not have it polled
		err = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLONESHOT})
	}
	r := &EpollOnce{poll: os.NewFile(uintptr(ep), "epoll"), fd: fd}
	if err == nil {
		r.rc, err = r.poll.SyscallConn()
	}
	if err != nil {
		r.poll.Close()
		return nil, err
	}
	return r, nil
}

// Arm makes the next wait return when there is something, or is already.
func (r *EpollOnce) Arm() {
	r.rc.Control(func(ep uintptr) {
		unix.EpollCtl(int(ep), unix.EPOLL_CTL_MOD, r.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT})
	})
}

// Wait waits for that; false means that it is closed.
func (r *EpollOnce) Wait() bool {
	var event [1]unix.EpollEvent
	return r.rc.Read(func(ep uintptr) bool {
		n, _ := unix.EpollWait(int(ep), event[:], 0)
		return n > 0
	}) == nil
}

// Close ends wait.
func (r *EpollOnce) Close() error { return r.poll.Close() }
