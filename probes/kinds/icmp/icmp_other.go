//go:build !linux

package icmp

import (
	"context"
	"errors"
	"net"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"golang.org/x/net/icmp"

	"netmon/probes/engine"
	"netmon/probes/internal/words"
)

// ready says whether this process may open an ICMP socket.
func ready() error {
	_, err := privileged()
	return err
}

// privileged says which socket this process may open: a datagram one where
// the kernel allows it, else a raw one.
func privileged() (raw bool, err error) {
	if c, err := icmp.ListenPacket("udp4", "0.0.0.0"); err == nil {
		return false, c.Close()
	}
	c, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return false, permission(err)
	}
	return true, c.Close()
}

// exchange sends the requests by pro-bing, which has a socket for each run,
// times in this process, and knows no ICMP errors. attempt is the part of ctx in
// which the address must have shown that it answers at all.
func (s *series) exchange(ctx, attempt context.Context) error {
	raw, err := privileged()
	if err != nil {
		return err
	}
	d, err := s.Dialer("udp", s.to)
	if err != nil {
		return err
	}
	pinger := probing.New(s.to.String())
	pinger.SetIPAddr(&net.IPAddr{IP: s.to.AsSlice(), Zone: s.to.Zone()})
	pinger.SetPrivileged(raw)
	pinger.SetLogger(probing.NoopLogger{})
	pinger.RecordRtts, pinger.RecordTTLs = false, false
	pinger.Count, pinger.Interval, pinger.Size = s.Count, s.Interval.Std(), s.Size
	if from, ok := d.LocalAddr.(*net.UDPAddr); ok {
		pinger.Source = from.IP.String()
	}
	if s.TTL > 0 {
		pinger.TTL = s.TTL
	}
	if s.DSCP > 0 {
		pinger.SetTrafficClass(uint8(s.DSCP << 2))
	}
	deadline, _ := ctx.Deadline()
	pinger.Timeout = max(time.Millisecond, time.Until(deadline)-time.Millisecond)
	attempt, stop := context.WithCancel(attempt)
	defer stop()
	// Its callbacks come one at a time.
	pinger.OnSend = func(p *probing.Packet) {
		s.noteSent(request{sent: time.Now()})
		if len(s.sent) == s.Count && s.Wait > 0 {
			time.AfterFunc(s.Wait.Std(), stop)
		}
	}
	got := func(p *probing.Packet) {
		if p.Seq >= len(s.sent) {
			return
		}
		s.applyEvent(event{
			index: p.Seq, from: s.to.WithZone(""), bytes: p.Nbytes, ttl: p.TTL,
			Arrival: engine.Arrival{Read: s.sent[p.Seq].sent.Add(p.Rtt)},
		})
	}
	pinger.OnRecv, pinger.OnDuplicateRecv = got, got
	pinger.OnFinish = func(*probing.Statistics) {}
	err = pinger.RunWithContext(attempt)
	s.finish()
	switch {
	case err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled):
		if len(s.sent) == 0 {
			return s.ReachFail("send to "+s.to.String(), s.to, words.Plain(err))
		}
		s.err = s.ReachFail("send to "+s.to.String(), s.to, words.Plain(err))
	case len(s.sent) == 0:
		return s.tooShort()
	case len(s.sent) < s.Count && s.answered():
		s.err = s.tooShort()
	}
	return nil
}
