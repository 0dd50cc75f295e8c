package tcp

import (
	"context"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netmon/probes"
	"netmon/probes/engine"
)

// tcpRun is a run that connects and nothing else, without a goroutine.
type tcpRun struct {
	run    *probes.Run
	poller *engine.Poller
	to     netip.AddrPort
	fd     int
	number int32 // the poller's
	began  time.Time
	rest   probes.Fallback // other addresses of the target

	mu      sync.Mutex // guards what follows: held while fd is used
	over    bool       // fd is closed
	stopped bool       // no other address is tried
	cut     func(cause error)
}

// Start implements Starter: for a connection without dialogue.
func (p Probe) Start(run *probes.Run) (probes.Pending, bool) {
	if !p.connectsOnly() || p.Source != "" {
		return nil, false
	}
	host, port, err := probes.SplitTarget(run.Target, "")
	if err != nil {
		return nil, false
	}
	addrs, ok := p.CachedAddresses(run, "tcp", host, port)
	if !ok || addrs[0].Zone() != "" {
		return nil, false
	}
	e, err := probes.EnginesOf(run.Env)
	if err != nil {
		return nil, false
	}
	x := &tcpRun{run: run, poller: e.Poller, to: netip.AddrPortFrom(addrs[0], port)}
	x.rest = probes.Fallback{Addrs: addrs[1:], Measure: func(ctx context.Context, addrs []netip.Addr) (probes.Details, error) {
		return p.talk(ctx, run, tcpPlan{host: host}, addrs, port, Details{ResolveAgeNS: run.ResolveAge()})
	}}
	run.Reached(addrs[0].String())
	return x, x.connect()
}

// connect begins to connect. Where that fails at once nothing has happened.
func (x *tcpRun) connect() bool {
	family := unix.AF_INET
	if x.to.Addr().Is6() {
		family = unix.AF_INET6
	}
	var err error
	if x.fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	engine.QueueICMP(x.fd, x.to.Addr().Is6(), 1)
	x.began = time.Now()
	if err = unix.Connect(x.fd, engine.SockaddrOf(x.to)); err == nil || err == unix.EINPROGRESS {
		x.number, err = x.poller.Watch(x.fd, unix.EPOLLOUT, x)
	}
	if err != nil {
		unix.Close(x.fd)
		return false
	}
	x.poller.Begun()
	x.rest.StartTimer(x.run, x.nextAddress)
	return true
}

// Ready is called by the poller when the connection is there, or has failed.
func (x *tcpRun) Ready(uint32, *engine.PacketBuffers) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.run.RecoverPanics(x.checkConnected)
}

// checkConnected ends the run when the connection is there, or cannot be.
func (x *tcpRun) checkConnected() {
	if x.over {
		return
	}
	took := time.Since(x.began)
	// Whether it is still on the way is asked first: what comes between the two
	// questions must not pass for a connection.
	const synSent = 2 // TCP_SYN_SENT of linux/tcp_states.h
	info, state := engine.TCPInfoFD(x.fd)
	pending := state == synSent
	if info == nil { // a kernel that does not say
		pending = !writable(x.fd)
	}
	errno, err := unix.GetsockoptInt(x.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	// A target that resets what it has taken is connected: before that a reset
	// is ECONNREFUSED (tcp_reset of the kernel).
	if e := syscall.Errno(errno); err == nil && e != 0 && e != unix.ECONNRESET && e != unix.EPIPE {
		err = e
	}
	if err != nil { // of a packet that was sent: without a route the call to connect fails
		if message := engine.QueuedICMP(x.fd); message != "" {
			err = probes.NetFail("connect to "+x.to.String(), engine.ICMPExplained(err, message))
		} else {
			err = probes.Common{}.ConnectFail(x.to, took, err)
		}
		x.end(Details{ResolveAgeNS: x.run.ResolveAge()}, err)
		return
	}
	if pending {
		return
	}
	d := Details{ResolveAgeNS: x.run.ResolveAge()}
	d.connected(x.run, took, info)
	if d.Clock == engine.ClockTCPInfo {
		d.ConnectUserNS = 0 // it has the poller's wait in it
	}
	d.Info, d.BytesRead, d.BytesWritten = info, new(int64), new(int64)
	x.run.Ended = x.began.Add(time.Duration(d.ConnectNS))
	x.end(d, nil)
}

// writable says that connecting is over, well or not (connect(2), EINPROGRESS).
// It is what the poller asks, too: what it reports ends the run.
func writable(fd int) bool {
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	return n > 0
}

// end ends the run, or, where there is an error and another address, the part
// of this one.
func (x *tcpRun) end(d Details, err error) {
	x.over = true
	x.poller.Ended()
	x.rest.Ended()
	x.poller.Unregister(x.number)
	unix.Close(x.fd)
	if err != nil && len(x.rest.Addrs) > 0 && !x.stopped {
		x.cut = x.rest.TryOthers(x.run, x.to.Addr(), d, err)
		return
	}
	x.run.End(d, err)
}

// nextAddress moves to the next address: this one has had its time.
func (x *tcpRun) nextAddress() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.run.RecoverPanics(func() {
		if x.checkConnected(); !x.over {
			x.end(Details{ResolveAgeNS: x.run.ResolveAge()}, x.noAnswer())
		}
	})
}

// noAnswer is the error of an address that took no connection until now.
func (x *tcpRun) noAnswer() error {
	return probes.Common{}.ConnectFail(x.to, time.Since(x.began), os.ErrDeadlineExceeded)
}

// Stop implements Pending.
func (x *tcpRun) Stop(cause error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopped = true
	if x.cut != nil {
		x.cut(cause)
		return
	}
	x.run.RecoverPanics(func() {
		if cause == context.DeadlineExceeded {
			x.checkConnected() // it may be there, and not yet looked at
		}
		switch {
		case x.over:
		case cause == context.DeadlineExceeded:
			x.end(Details{ResolveAgeNS: x.run.ResolveAge()}, x.noAnswer())
		default:
			x.end(Details{ResolveAgeNS: x.run.ResolveAge()}, cause)
		}
	})
}
