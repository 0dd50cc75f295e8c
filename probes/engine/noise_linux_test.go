package engine

import (
	"net/netip"
	"testing"
	"time"
)

// TestNoise: who sends far more than was asked is found, whoever else sends.
func TestNoise(t *testing.T) {
	host := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	loud := netip.MustParseAddr("192.0.2.1")
	start := time.Now()
	for name, c := range map[string]struct {
		packets int
		sender  func(i int) netip.Addr
		every   time.Duration
		flood   bool
		from    netip.Addr
	}{
		"one sends without end":              {NoiseMost, func(int) netip.Addr { return loud }, 0, true, loud},
		"as many, but not at once":           {10 * NoiseMost, func(int) netip.Addr { return loud }, time.Millisecond, false, netip.Addr{}},
		"one among many with a stray each":   {2 * NoiseMost, func(i int) netip.Addr { return []netip.Addr{loud, host(i)}[i%5/4] }, 0, true, loud},
		"a thousand with a stray each":       {1000, host, 0, false, netip.Addr{}},
		"many without end, none more than s": {noiseTotal, host, 0, true, netip.Addr{}},
	} {
		var n Noise
		var from netip.Addr
		flood := false
		for i := 0; i < c.packets && !flood; i++ {
			from, flood = n.Note(c.sender(i), start.Add(time.Duration(i)*c.every))
		}
		if flood != c.flood || from != c.from {
			t.Errorf("%s: flood %v from %v, want %v from %v", name, flood, from, c.flood, c.from)
		}
	}
}

// TestNoisyHosts_AreBounded: a flood from many addresses does not fill the memory.
func TestNoisyHosts_AreBounded(t *testing.T) {
	var h NoisyHosts
	now := time.Now()
	for i := range 2 * NoisyMost {
		h.Add(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), now)
	}
	first := netip.AddrFrom4([4]byte{10, 0, 0, 0})
	if len(h) != NoisyMost || !h.Has(first, now) || h.Has(first, now.Add(2*noisyFor)) {
		t.Errorf("%d addresses, want %d, for %v", len(h), NoisyMost, noisyFor)
	}
	h.Add(netip.IPv6Loopback(), now.Add(2*noisyFor))
	if len(h) != 1 {
		t.Errorf("%d addresses, want the latest alone", len(h))
	}
	var muted []netip.Addr
	for i := range 2 * MutedMost {
		MuteHost(&muted, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	if len(muted) != MutedMost {
		t.Errorf("a socket has a filter for %d addresses, want %d", len(muted), MutedMost)
	}
}
