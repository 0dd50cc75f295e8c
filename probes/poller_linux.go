package probes

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"netmon/wire"
)

// pollSlot is how long the poller lets gather what comes while there is traffic.
// A wake-up costs more than most packets. No latency has it in it: the kernel
// notes with each packet when it came.
const pollSlot = 5 * time.Millisecond

// poller waits for many sockets. Whoever begins runs reads for all of them when
// it has begun those of a slot (see [Env.Launched]); while that happens often
// enough nobody is woken for what comes. Otherwise one goroutine reads.
type poller struct {
	ep     int        // an epoll instance with all sockets in it
	ready  *epollOnce // that it has something
	closed chan struct{}
	loop   sync.WaitGroup
	late   *time.Timer  // nobody has read for two slots, although a run waits
	live   atomic.Int32 // runs that wait
	read   atomic.Int64 // when launched was called, ns since start
	start  time.Time

	reading sync.Mutex // guards what follows: held while something is read
	buffers *packetBuffers
	events  [128]unix.EpollEvent

	mu     sync.Mutex
	socks  map[int32]pollSocket // guarded by mu; by the number given to epoll
	latest int32                // guarded by mu
}

// pollSocket is told that something came. It may have been closed meanwhile.
type pollSocket interface {
	ready(events uint32, b *packetBuffers)
}

func startPoller() (*poller, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, broken(wire.BrokenLocal, "open an epoll instance: %w", err)
	}
	ready, err := newEpollOnce(ep)
	if err != nil {
		unix.Close(ep)
		return nil, broken(wire.BrokenLocal, "open an epoll instance: %w", err)
	}
	p := &poller{ep: ep, ready: ready, closed: make(chan struct{}), late: time.NewTimer(time.Hour), start: time.Now(),
		buffers: newPacketBuffers(), socks: map[int32]pollSocket{}}
	p.loop.Go(p.run)
	return p, nil
}

// Close ends the waiting. What is still watched is never told of anything again.
func (p *poller) Close() error {
	close(p.closed)
	err := p.ready.Close()
	p.loop.Wait()
	p.late.Stop()
	unix.Close(p.ep)
	return err
}

// begun says that one more run waits for something, ended that it does no more.
func (p *poller) begun() {
	if p.live.Add(1) == 1 {
		p.late.Reset(2 * pollSlot)
	}
}

func (p *poller) ended() { p.live.Add(-1) }

// launched reads what is there already: of near targets that is most.
func (p *poller) launched() {
	p.read.Store(int64(time.Since(p.start)))
	if p.live.Load() == 0 {
		return
	}
	p.drain()
	p.late.Reset(2 * pollSlot)
}

// run reads what comes while nobody else does.
func (p *poller) run() {
	for {
		select {
		case <-p.closed:
			return
		case <-p.late.C:
		}
		p.drain()
		for p.live.Load() > 0 && time.Since(p.start)-time.Duration(p.read.Load()) >= 2*pollSlot {
			p.ready.arm()
			if !p.ready.wait() {
				return
			}
			p.drain()
			time.Sleep(pollSlot)
			p.drain()
		}
		if p.live.Load() > 0 {
			p.late.Reset(2 * pollSlot)
		}
	}
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
	if err = unix.EpollCtl(p.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: number}); err != nil {
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

// drain tells all that are ready, in turn, for a slot at most: a target that
// sends faster than we read must not hold up who begins runs. What is left is
// told of the next time, which is soon (see run). While another one drains there
// is nothing to do.
func (p *poller) drain() {
	if !p.reading.TryLock() {
		return
	}
	defer p.reading.Unlock()
	for began := time.Now(); time.Since(began) < pollSlot; {
		n, err := unix.EpollWait(p.ep, p.events[:], 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		for i := range n {
			p.mu.Lock()
			s := p.socks[p.events[i].Fd]
			p.mu.Unlock()
			if s != nil {
				s.ready(p.events[i].Events, p.buffers)
			}
		}
	}
}
