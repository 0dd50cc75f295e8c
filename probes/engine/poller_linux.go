package engine

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// pollSlot is how long the poller lets gather what comes while there is traffic.
// A wake-up costs more than most packets. No latency has it in it: the kernel
// notes with each packet when it came.
const pollSlot = 5 * time.Millisecond

// Poller waits for many sockets. Whoever begins runs reads for all of them when
// it has begun those of a slot (see engines.launched); while that happens often
// enough nobody is woken for what comes. Otherwise one goroutine reads.
type Poller struct {
	ep     int        // an epoll instance with all sockets in it
	ready  *EpollOnce // that it has something
	closed chan struct{}
	loop   sync.WaitGroup
	late   *time.Timer  // nobody has read for two slots, although a run waits
	live   atomic.Int32 // runs that wait
	read   atomic.Int64 // when launched was called, ns since start
	start  time.Time

	reading sync.Mutex // guards what follows: held while something is read
	buffers *PacketBuffers
	events  [128]unix.EpollEvent

	mu     sync.Mutex
	socks  map[int32]pollSocket // guarded by mu; by the number given to epoll
	latest int32                // guarded by mu
}

// pollSocket is called when something came. It may have been closed meanwhile.
type pollSocket interface {
	Ready(events uint32, b *PacketBuffers)
}

func startPoller() (*Poller, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open an epoll instance: %w", err)
	}
	ready, err := NewEpollOnce(ep)
	if err != nil {
		unix.Close(ep)
		return nil, fmt.Errorf("open an epoll instance: %w", err)
	}
	p := &Poller{ep: ep, ready: ready, closed: make(chan struct{}), late: time.NewTimer(time.Hour), start: time.Now(),
		buffers: newPacketBuffers(), socks: map[int32]pollSocket{}}
	p.loop.Go(p.run)
	return p, nil
}

// Close ends the waiting. What is still watched is never called again.
func (p *Poller) Close() error {
	close(p.closed)
	err := p.ready.Close()
	p.loop.Wait()
	p.late.Stop()
	unix.Close(p.ep)
	return err
}

// Begun says that one more run waits for something.
func (p *Poller) Begun() {
	if p.live.Add(1) == 1 {
		p.late.Reset(2 * pollSlot)
	}
}

// Ended says that a run no longer waits.
func (p *Poller) Ended() { p.live.Add(-1) }

// Launched reads what is there already: of near targets that is most.
func (p *Poller) Launched() {
	p.read.Store(int64(time.Since(p.start)))
	if p.live.Load() == 0 {
		return
	}
	p.drain()
	p.late.Reset(2 * pollSlot)
}

// run reads what comes while nobody else does.
func (p *Poller) run() {
	for {
		select {
		case <-p.closed:
			return
		case <-p.late.C:
		}
		p.drain()
		for p.live.Load() > 0 && time.Since(p.start)-time.Duration(p.read.Load()) >= 2*pollSlot {
			p.ready.Arm()
			if !p.ready.Wait() {
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

// Watch calls s from now on when one of events is there.
func (p *Poller) Watch(fd int, events uint32, s pollSocket) (number int32, err error) {
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
		p.Unregister(number)
	}
	return number, err
}

// Unregister drops a socket that is about to be closed, which takes it out of the
// epoll instance, too.
func (p *Poller) Unregister(number int32) {
	p.mu.Lock()
	delete(p.socks, number)
	p.mu.Unlock()
}

// drain calls all that are ready, in turn, for a slot at most: a target that
// sends faster than we read must not hold up whoever begins runs. What is left is
// reported the next time, which is soon (see run). While another one drains there
// is nothing to do.
func (p *Poller) drain() {
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
				s.Ready(p.events[i].Events, p.buffers)
			}
		}
	}
}
