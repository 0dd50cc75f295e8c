package icmp

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"sync"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// useICMP is one run by the sockets p: the engine that it left by, and what it
// leaves to the next run of its monitor.
func useICMP(t *testing.T, p *sockets, before any, answered bool, now time.Time) (*echoEngine, any) {
	t.Helper()
	return useICMPOf(t, p, "127.0.0.1", before, answered, now)
}

// useICMPOf is useICMP of a monitor of the address target.
func useICMPOf(t *testing.T, p *sockets, target string, before any, answered bool, now time.Time) (*echoEngine, any) {
	t.Helper()
	to := netip.MustParseAddr(target)
	e, err := p.acquire(to, before, now)
	if err != nil {
		t.Fatal(err)
	}
	r := e.open(to, 1, 56)
	r.seqs, r.answered = []uint16{1}, []bool{answered}
	r.close()
	if answered {
		return e, nil
	}
	return e, r
}

// TestICMPSockets_Rotate: ids change once in a while, and at once for who got no
// reply by one.
func TestICMPSockets_Rotate(t *testing.T) {
	needICMP(t)
	env := &probes.Env{}
	defer env.Close()
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	now := p.current.born
	after := func(d time.Duration) time.Time { now = now.Add(d); return now }

	first, _ := useICMP(t, p, nil, true, after(socketLife/2))
	second, _ := useICMP(t, p, nil, true, after(socketLife/2))
	if first == second || first.sock.id == second.sock.id {
		t.Errorf("id %d after %v", second.sock.id, socketLife)
	}
	if e, _ := useICMP(t, p, nil, true, now); e != second {
		t.Error("each run opens a socket")
	}

	// Without reply: the next one has another id, others keep theirs.
	lost, left := useICMP(t, p, nil, false, after(time.Second))
	fresh, left2 := useICMP(t, p, left, false, after(time.Second))
	if lost != second || fresh == second {
		t.Error("after a run without reply the id is the same")
	}
	if e, _ := useICMP(t, p, nil, true, now); e != second {
		t.Error("the id of those that have replies changed, too")
	}
	if e, _ := useICMP(t, p, left, false, now); e != fresh {
		t.Error("a second monitor without reply opens one more socket")
	}
	// Still none: a new one, but not each time.
	if e, _ := useICMP(t, p, left2, false, after(time.Second)); e != fresh {
		t.Error("a monitor without reply opens a socket each second")
	}
	third, left3 := useICMP(t, p, left2, false, after(freshLife))
	if third == fresh || third == second {
		t.Errorf("the same id after %v without reply", freshLife)
	}
	// By the newest one there is a reply: all leave by it, and nobody goes back.
	if e, _ := useICMP(t, p, left3, true, now); e != third {
		t.Error("a socket that has just been opened is not used")
	}
	if e, _ := useICMP(t, p, nil, true, now); e != third {
		t.Error("runs still leave by the id that brings no replies")
	}
}

// TestICMPSockets_AnotherAddress: a name with an address that never answers and one
// that does leaves the id of the others alone: what one address did not answer
// says nothing of another.
func TestICMPSockets_AnotherAddress(t *testing.T) {
	needICMP(t)
	env := &probes.Env{}
	defer env.Close()
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	now := p.current.born
	first := p.current
	var left any
	for n := range 8 {
		now = now.Add(300 * time.Millisecond)
		_, dead := useICMP(t, p, left, false, now)
		e, _ := useICMPOf(t, p, "127.0.0.2", left, true, now)
		if left = dead; e != first {
			t.Errorf("run %d: the address that answers has another id", n)
		}
		if e, _ := useICMPOf(t, p, "127.0.0.3", nil, true, now); e != first {
			t.Errorf("run %d: the id of a neighbor changed", n)
		}
	}
}

// TestICMPSockets_EachAddress: where none of a name's addresses answers, each is
// asked by a fresh socket next time: the last one may be dead for ever.
func TestICMPSockets_EachAddress(t *testing.T) {
	needICMP(t)
	env := &probes.Env{}
	defer env.Close()
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	now, first := p.current.born, p.current
	_, one := useICMPOf(t, p, "127.0.0.2", nil, false, now)
	_, two := useICMPOf(t, p, "127.0.0.3", nil, false, now)
	two.(*run).tried = one.(*run)
	for _, target := range []string{"127.0.0.2", "127.0.0.3"} {
		if e, _ := useICMPOf(t, p, target, two, false, now); e == first {
			t.Errorf("%s is asked by the same id again", target)
		}
	}
	if e, _ := useICMPOf(t, p, "127.0.0.4", two, true, now); e != first {
		t.Error("an address that was not asked before has a fresh id")
	}
}

// TestICMPSockets_FreshOnceInAWhile: where each run by a fresh socket has a reply,
// and the next run has none, ids still change no faster than freshLife.
func TestICMPSockets_FreshOnceInAWhile(t *testing.T) {
	needICMP(t)
	env := &probes.Env{}
	defer env.Close()
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	now := p.current.born
	opened := p.latest
	for range 20 { // within 2 freshLife
		_, left := useICMP(t, p, nil, false, now)
		useICMP(t, p, left, true, now)
		now = now.Add(freshLife / 10)
	}
	if n := p.latest - opened; n != 2 {
		t.Errorf("%d sockets were opened in %v, want 2", n, 2*freshLife)
	}
}

// TestICMPSockets_SlowReply: a reply by an id that was left meanwhile for a still
// newer one ends the use of the one that failed, too.
func TestICMPSockets_SlowReply(t *testing.T) {
	needICMP(t)
	env := &probes.Env{}
	defer env.Close()
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	now := p.current.born.Add(time.Second)
	to := netip.MustParseAddr("127.0.0.1")
	failed, left := useICMP(t, p, nil, false, now)
	slow, err := p.acquire(to, left, now)
	if err != nil {
		t.Fatal(err)
	}
	r := slow.open(to, 1, 56)
	newest, _ := useICMP(t, p, leftBy(slow), false, now.Add(2*freshLife))
	r.seqs, r.answered = []uint16{1}, []bool{true}
	r.close()
	if e, _ := useICMP(t, p, nil, true, now.Add(2*freshLife)); e == failed || slow == failed || newest == slow {
		t.Error("after a reply by a newer id runs leave by the one that failed")
	}
}

// leftBy is what a run without reply by e leaves.
func leftBy(e *echoEngine) any {
	return &run{engine: e, to: netip.MustParseAddr("127.0.0.1"), silent: true}
}

// TestICMPSockets_AreAHandful: however many runs continue without reply, there are
// no more than so many sockets, and those of no use are closed.
func TestICMPSockets_AreAHandful(t *testing.T) {
	needICMP(t)
	files := probetest.OpenFiles(t)
	env := &probes.Env{}
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	now := p.current.born
	to := netip.MustParseAddr("127.0.0.1")
	var open []*run
	for range 3 * mostSockets {
		now = now.Add(socketLife)
		e, err := p.acquire(to, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, e.open(to, 1, 56))
	}
	if len(p.all) != mostSockets {
		t.Errorf("%d sockets, want %d", len(p.all), mostSockets)
	}
	for _, r := range open {
		r.close()
	}
	now = now.Add(10 * time.Minute)
	useICMP(t, p, nil, true, now)
	if len(p.all) > 2 { // the previous one, too, as it was the current one until then
		t.Errorf("%d sockets stay open", len(p.all))
	}
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if n := probetest.OpenFiles(t); n > files {
		t.Errorf("%d files stay open, %d before", n, files)
	}
}

// TestICMPSockets_AreUsedAtOnce by many, while they change.
func TestICMPSockets_AreUsedAtOnce(t *testing.T) {
	needICMP(t)
	env := &probes.Env{}
	defer env.Close()
	p, err := socketsOf(env, false)
	if err != nil {
		t.Fatal(err)
	}
	begin := p.current.born
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			var left any
			for n := range 200 {
				_, left = useICMP(t, p, left, n%3 == i%3, begin.Add(time.Duration(n)*time.Second))
				env.Launched()
			}
		})
	}
	all.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.all {
		if e.held != 0 {
			t.Errorf("%d runs hold a socket after the end", e.held)
		}
	}
}

// TestICMP_NATThatRemembers: a NAT has taken a wrong way for an id, and keeps it
// as long as requests with this id come. A monitor has replies again as soon as
// a fresh ping has.
func TestICMP_NATThatRemembers(t *testing.T) {
	var mu sync.Mutex
	dead := map[uint16]bool{} // guarded by mu, as what follows
	changed := false
	inNetworkOf(t, func(_ int, q []byte) []targets.NetworkReply {
		id := binary.BigEndian.Uint16(targets.ICMP(q)[4:])
		mu.Lock()
		defer mu.Unlock()
		if !changed {
			dead[id] = true
		} else if dead[id] {
			return nil
		}
		return echoing(0, q)
	}, func(t *testing.T) {
		for _, target := range []string{far4, far6} {
			env := &probes.Env{}
			defer env.Close()
			c, err := Kinds().New(env, "icmp", target, json.RawMessage(`{}`))
			if err != nil {
				t.Error(err)
				return
			}
			started, err := Kinds().New(env, "icmp", target, nil)
			if err != nil {
				t.Error(err)
				return
			}
			byStart := func() wire.Result {
				done := make(chan wire.Result, 1)
				p, ok := started.Begin(func(r wire.Result) { done <- r })
				if !ok {
					t.Error("not begun")
					return wire.Result{}
				}
				e := p.(*async).run.engine
				e.expect()
				select {
				case r := <-done:
					return r
				case <-time.After(300 * time.Millisecond):
					p.Stop(context.DeadlineExceeded)
					return <-done
				}
			}
			byMeasure := func() wire.Result { return c.Run(t.Context(), 300*time.Millisecond, nil) }
			mu.Lock()
			dead, changed = map[uint16]bool{}, false
			mu.Unlock()
			probetest.WantFailure(t, byMeasure(), wire.OK, "")
			probetest.WantFailure(t, byStart(), wire.OK, "")
			mu.Lock()
			changed = true
			mu.Unlock()
			probetest.WantFailure(t, byStart(), wire.Failed, wire.FailNoAnswer)
			probetest.WantFailure(t, byMeasure(), wire.Failed, wire.FailNoAnswer)
			for range 3 {
				probetest.WantFailure(t, byMeasure(), wire.OK, "")
				probetest.WantFailure(t, byStart(), wire.OK, "")
			}
		}
	})
}
