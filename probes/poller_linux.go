package probes

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netmon/wire"
)

// pollSlot is how long the poller lets gather what comes while there is traffic.
// A wake-up costs more than most packets. No latency has it in it: the kernel
// notes with each packet when it came.
const pollSlot = 5 * time.Millisecond

// poller waits for many sockets with one goroutine. It has an epoll instance of
// its own, which the runtime's watches as it would a socket, so that no thread
// is held while nothing comes.
type poller struct {
	file   *os.File
	rc     syscall.RawConn
	loop   sync.WaitGroup
	events [128]unix.EpollEvent // the loop's own

	mu     sync.Mutex
	socks  map[int32]pollSocket // guarded by mu; by the number given to epoll
	latest int32                // guarded by mu
}

// pollSocket is told by the poller's goroutine that something came. It may have
// been closed meanwhile.
type pollSocket interface {
	ready(events uint32, b *packetBuffers)
}

func startPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		if err = unix.SetNonblock(fd, true); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, broken(wire.BrokenLocal, "open an epoll instance: %w", err)
	}
	p := &poller{file: os.NewFile(uintptr(fd), "epoll"), socks: map[int32]pollSocket{}}
	if p.rc, err = p.file.SyscallConn(); err != nil {
		p.file.Close()
		return nil, broken(wire.BrokenLocal, "open an epoll instance: %w", err)
	}
	p.loop.Go(p.run)
	return p, nil
}

// Close ends the waiting. What is still watched is never told of anything again.
func (p *poller) Close() error {
	err := p.file.Close()
	p.loop.Wait()
	return err
}

// watch tells s from now on when one of events is there.
func (p *poller) watch(fd int, events uint32, s pollSocket) (number int32, err error) {
	p.mu.Lock()
	for {
		p.latest++
		if _, taken := p.socks[p.latest]; !taken {
			break
		}
	}
	number = p.latest
	p.socks[number] = s
	p.mu.Unlock()
	cerr := p.rc.Control(func(ep uintptr) {
		err = unix.EpollCtl(int(ep), unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: number})
	})
	if cerr != nil {
		err = cerr
	}
	if err != nil {
		p.forget(number)
	}
	return number, err
}

// forget drops a socket that is about to be closed, which takes it out of the
// epoll instance, too.
func (p *poller) forget(number int32) {
	p.mu.Lock()
	delete(p.socks, number)
	p.mu.Unlock()
}

// run reads at once what comes when nothing came before, and then once in each
// slot until one stays empty.
func (p *poller) run() {
	b := newPacketBuffers()
	for {
		if err := p.rc.Read(func(ep uintptr) bool { return p.drain(int(ep), b) > 0 }); err != nil {
			return
		}
		for n := 1; n > 0; {
			time.Sleep(pollSlot)
			n = 0
			if err := p.rc.Control(func(ep uintptr) { n = p.drain(int(ep), b) }); err != nil {
				return
			}
		}
	}
}

// drain tells all that are ready and returns how many that were.
func (p *poller) drain(ep int, b *packetBuffers) (total int) {
	for {
		n, err := unix.EpollWait(ep, p.events[:], 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return total
		}
		total += n
		for i := range n {
			p.mu.Lock()
			s := p.socks[p.events[i].Fd]
			p.mu.Unlock()
			if s != nil {
				s.ready(p.events[i].Events, b)
			}
		}
	}
}
