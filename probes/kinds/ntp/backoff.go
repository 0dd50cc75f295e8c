package ntp

import (
	"io"
	"net/netip"
	"sync"
	"time"

	"netmon/internal/ntppacket"
	"netmon/probes"
	"netmon/wire"
)

// kisses remembers, for all monitors of a process, the servers that asked to be
// left alone (RFC 5905 section 7.4): RATE, slow down; DENY and RSTR, go away.
// Until the time that follows from it no run sends anything there. Such a run
// fails as the run before did, kiss_of_death: that is the server's last word,
// and an outcome that went back and forth between runs would only hide it.
type kisses struct {
	mu      sync.Mutex
	servers map[netip.AddrPort]kissHold // guarded by mu
}

type kissHold struct {
	code  string
	until time.Time     // monotonic
	wait  time.Duration // that led to until; the next one is twice as long
}

// How long a server is left alone: at first, and at most after several refusals.
const (
	rateFirst, rateMost = 64 * time.Second, time.Hour
	denyFirst, denyMost = time.Hour, 24 * time.Hour
)

// kissesOf returns what env shares.
func kissesOf(env *probes.Env) (*kisses, error) {
	k, err := env.Shared("ntp kisses", func() (io.Closer, error) {
		return &kisses{servers: map[netip.AddrPort]kissHold{}}, nil
	})
	if err != nil {
		return nil, err
	}
	return k.(*kisses), nil
}

// Close implements io.Closer.
func (k *kisses) Close() error { return nil }

// hold notes a kiss and returns until when to leave the server alone; zero for
// a code that asks for nothing. poll is that of the packet: with RATE the
// server says there how seldom it wants to be asked.
func (k *kisses) hold(server netip.AddrPort, code string, poll int8, now time.Time) time.Time {
	var first, most time.Duration
	switch code {
	case "RATE":
		first, most = max(rateFirst, ntppacket.Log2Seconds(poll)), rateMost
	case "DENY", "RSTR":
		first, most = denyFirst, denyMost
	default:
		return time.Time{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	wait := min(max(first, 2*k.servers[server].wait), most)
	h := kissHold{code: code, until: now.Add(wait), wait: wait}
	k.servers[server] = h
	return h.until
}

// release forgets a server's kisses once it has answered as it should.
func (k *kisses) release(server netip.AddrPort) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.servers, server)
}

// allowed returns the addresses that may be asked now. When there is none it
// fails as the run did that met the kiss.
func (k *kisses) allowed(run *probes.Run, d *Details, addrs []netip.Addr, port uint16) ([]netip.Addr, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var free []netip.Addr
	var soonest kissHold
	var who netip.Addr
	for _, a := range addrs {
		h, ok := k.servers[netip.AddrPortFrom(a, port)]
		if !ok || time.Until(h.until) <= 0 {
			free = append(free, a)
			continue
		}
		run.Stepf("not asking %s until %s: it sent the kiss code %s", a, h.until.UTC().Format(time.RFC3339), h.code)
		if !who.IsValid() || h.until.Before(soonest.until) {
			soonest, who = h, a
		}
	}
	if len(free) > 0 || !who.IsValid() {
		return free, nil
	}
	run.Reached(who.String())
	d.KissCode, d.BackoffUntil = soonest.code, &soonest.until
	return nil, probes.Fail(wire.FailKissOfDeath, "nothing was sent: %s", kissText(soonest.code, soonest.until))
}
