package engine

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// PacketHub sends the datagrams of many runs and hands to each what comes for
// it. docs/adr/0015 says why it is as it is.
//
// A run holds one address and port of a target on one socket (a claim), and
// nobody else does as long as it continues: what comes from there on that socket
// is for this run, as on a connected socket of its own. Runs with different
// targets share a socket, runs with one target do not.
type PacketHub struct {
	poller *Poller
	v6     bool

	mu    sync.Mutex
	ports []*PacketPort // guarded by mu, as all that follows; those that are shared
	next  int           // where to look first
	late  []packetLate  // oldest first

	newest *PacketPort  // of ports
	silent silentPlaces // whose last run got no reply
	loud   NoisyHosts   // who floods a shared socket

	harvest   sync.Mutex // guards harvested
	harvested *PacketBuffers
}

const (
	// hubMostPorts bounds the shared sockets, and so the runs with one target
	// at once. More get a socket of their own each.
	hubMostPorts = 256
	// hubTries is how many sockets are looked at before there is one more.
	hubTries = 8
	// hubPortLife is how long a shared socket gets new runs: its port must not
	// stay the same for long enough to be found out and aimed at.
	hubPortLife = time.Minute
	// hubLateFor is how long nobody is given the place of a run without reply:
	// a reply that comes so late is nobody's.
	hubLateFor = 10 * time.Second
	// hubFreshLife is how much older than the end of a run without reply the port
	// of the next run may be. While the newest port is younger than that, no
	// further one is opened for such runs alone.
	hubFreshLife = 5 * time.Second
	// hubMostLate bounds the places that are kept so, and the addresses of silentPlaces.
	hubMostLate = 50_000
)

// PacketPort is a socket of a [PacketHub].
type PacketPort struct {
	fd     int
	number int32          // the poller's
	Local  netip.AddrPort // of a socket of one run
	shared bool
	born   time.Time
	drops  atomic.Uint32 // datagrams that it had no room for, as far as is known

	claims map[netip.AddrPort]*PacketClaim // guarded by hub.mu; nil: kept for who is late
	active int                             // guarded by hub.mu; the claims that are runs'

	behind  time.Time  // guarded by hub.harvest; when a harvest did not come to its end
	handing sync.Mutex // held from the reading of datagrams until the runs have them; taken before a run's mu
	noise   *portNoise // guarded by handing; of a shared socket

	mu     sync.Mutex // guards closed: held while fd is read
	closed bool
	hub    *PacketHub
}

// portNoise is who sends what nobody asked for.
type portNoise struct {
	Noise
	muted []netip.Addr // who is not heard any more
}

// packetLate is a place that nobody is given, and until when.
type packetLate struct {
	port  *PacketPort
	to    netip.AddrPort
	until time.Time
}

// PacketClaim is one run's place.
type PacketClaim struct {
	Port  *PacketPort
	To    netip.AddrPort
	owner packetOwner
	drops uint32 // of the port, when the run began
}

// packetOwner is a run. It is called by whoever reads, see [Poller].
type packetOwner interface {
	// Arrived takes a datagram from the address of the claim, and says whether
	// that ended the run.
	Arrived(a Arrival) (done bool)
	// Refused takes an ICMP error about a datagram to it.
	Refused(err error)
	// Unheard says that the reply may have come, and been lost, or will not be
	// heard: somebody floods the socket.
	Unheard()
}

// Claim finds a place for a run. shared is false for one that needs a port that
// nobody had before it, as its protocol has nothing to tell replies apart by.
func (h *PacketHub) Claim(to netip.AddrPort, shared bool, owner packetOwner) (*PacketClaim, error) {
	c := &PacketClaim{To: to, owner: owner}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); shared && !h.loud.Has(to.Addr(), now) {
		h.forgetLocked(now)
		if err := h.placeLocked(c, now); err != nil || c.Port != nil {
			return c, err
		}
	}
	p, err := h.open(to, true)
	if err == nil {
		err = p.watch()
	}
	if err != nil {
		return nil, err
	}
	p.giveLocked(c)
	return c, nil
}

// placeLocked looks for a shared socket that has no claim on c's address, and
// opens one more when it finds none soon. Without success c.port stays nil.
//
// After a run without reply it takes a port that is newer than that: firewalls
// and NATs on the way may remember the older ones wrongly (docs/adr/0052).
func (h *PacketHub) placeLocked(c *PacketClaim, now time.Time) error {
	since, wary := h.silent.last(c.To)
	since = since.Add(-hubFreshLife)
	if wary && h.newest != nil && h.newest.born.After(since) && h.newest.freeLocked(c.To) {
		h.newest.giveLocked(c)
		return nil
	}
	wary = wary && (h.newest == nil || now.Sub(h.newest.born) >= hubFreshLife) // else the next one comes soon
	for tries := 0; tries < hubTries && len(h.ports) > 0; tries++ {
		h.next %= len(h.ports)
		p := h.ports[h.next]
		if now.Sub(p.born) > hubPortLife {
			h.ports[h.next] = h.ports[len(h.ports)-1]
			h.ports = h.ports[:len(h.ports)-1]
			p.retireLocked()
			continue
		}
		h.next++
		if (!wary || p.born.After(since)) && p.freeLocked(c.To) {
			p.giveLocked(c)
			return nil
		}
	}
	if len(h.ports) >= hubMostPorts {
		return nil
	}
	p, err := h.open(c.To, false)
	if err == nil {
		err = p.watch()
	}
	if err != nil {
		return err
	}
	p.giveLocked(c)
	h.ports, h.newest = append(h.ports, p), p
	return nil
}

// freeLocked says whether a run may have a place.
func (p *PacketPort) freeLocked(to netip.AddrPort) bool {
	_, taken := p.claims[to]
	return !taken
}

func (p *PacketPort) giveLocked(c *PacketClaim) {
	p.claims[c.To], c.Port, c.drops = c, p, p.drops.Load()
	p.active++
	p.hub.poller.Begun()
}

// Release gives the place back. answered is false when a reply may still come.
func (c *PacketClaim) Release(answered bool) {
	p := c.Port
	h := p.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	p.active--
	h.poller.Ended()
	switch {
	case !p.shared:
		p.close()
	case answered:
		delete(p.claims, c.To)
	default:
		now := time.Now()
		p.claims[c.To] = nil
		h.late = append(h.late, packetLate{p, c.To, now.Add(hubLateFor)})
		h.silent.note(c.To, now)
	}
	if p.shared && p.active == 0 && p.born.IsZero() {
		p.close()
	}
}

// retireLocked closes a port of the shared ones once its last run has ended.
// What comes late finds it closed.
func (p *PacketPort) retireLocked() {
	p.born = time.Time{}
	if p.hub.newest == p {
		p.hub.newest = nil
	}
	if p.active == 0 {
		p.close()
	}
}

// forgetLocked gives up the places that were kept for long enough.
func (h *PacketHub) forgetLocked(now time.Time) {
	n := 0
	for n < len(h.late) && (now.After(h.late[n].until) || len(h.late)-n > hubMostLate) {
		l := h.late[n]
		if c, ok := l.port.claims[l.to]; ok && c == nil {
			delete(l.port.claims, l.to)
		}
		h.late[n] = packetLate{}
		n++
	}
	h.late = h.late[n:]
}

// open makes a socket, connected to the target when it is one run's own.
func (h *PacketHub) open(to netip.AddrPort, own bool) (*PacketPort, error) {
	family, level, option := unix.AF_INET, unix.IPPROTO_IP, unix.IP_RECVERR
	if h.v6 {
		family, level, option = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	p := &PacketPort{fd: fd, shared: !own, born: time.Now(), claims: map[netip.AddrPort]*PacketClaim{}, hub: h}
	set := func(level, option, value int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, level, option, value)
		}
	}
	set(unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	set(level, option, 1)
	if own {
		if err == nil {
			err = unix.Connect(fd, SockaddrOf(to))
		}
		if err == nil {
			p.Local, err = localOf(fd)
		}
	} else {
		p.noise = &portNoise{}
		set(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
		const room = 4 << 20
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
		}
		if err == nil {
			err = unix.Bind(fd, SockaddrOf(netip.AddrPortFrom(unspecified(h.v6), 0)))
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return p, nil
}

// watch has the poller report what comes. On an error the port is closed.
func (p *PacketPort) watch() (err error) {
	if p.number, err = p.hub.poller.Watch(p.fd, unix.EPOLLIN|unix.EPOLLERR, p); err != nil {
		p.close()
	}
	return err
}

func unspecified(v6 bool) netip.Addr {
	if v6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

func localOf(fd int) (netip.AddrPort, error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)), nil
	}
	return netip.AddrPort{}, unix.EAFNOSUPPORT
}

// close closes the socket once.
func (p *PacketPort) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.hub.poller.Unregister(p.number)
	unix.Close(p.fd)
}

// Close closes the shared sockets. The runs must have ended, and the poller.
func (h *PacketHub) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.ports {
		p.close()
	}
	h.ports, h.late = nil, nil
	return nil
}
