package icmp

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
)

// echoEngine sends the echo requests of many runs through one socket and hands
// to each run what comes for it. Whoever reads does so for all of them.
type echoEngine struct {
	sock    *socket
	key     uint64 // random: separates our requests from everybody else's
	pattern []byte // random: what a payload holds behind its mark
	reader  sync.WaitGroup

	pool       *sockets // that it belongs to; nil for the engine of one run
	generation int      // in the pool: the number of its opening
	born       time.Time
	held       int  // guarded by pool.mu, as what follows: runs of the pool
	flooded    bool // no new run should leave by it

	reading sync.Mutex // held while the socket is read
	buffers *buffers   // guarded by reading, as what follows
	noise   engine.Noise

	mu    sync.Mutex
	runs  map[uint32]*run     // guarded by mu, as all that follows; by the number in the mark
	seqs  map[uint16]icmpSlot // requests by sequence number, for what carries no mark
	run   uint32              // number of the latest run
	seq   uint16              // sequence number of the latest request
	ended []ended             // runs that have ended with lost requests, oldest first
	live  int                 // runs that have not ended

	watched bool     // the reader waits for the socket, or reads it
	woken   []*async // runs for which something came just now
	drops   uint32   // of the socket, at sampled
	sampled time.Time
}

// icmpSlot is one request of a run.
type icmpSlot struct {
	run   *run
	index int
}

// ended is a run that has ended, and until when a reply to it is known as a
// late one.
type ended struct {
	run   *run
	until time.Time
}

const (
	// lateFor is how long a lost request is remembered after its run.
	lateFor = time.Minute
	// mostEnded bounds the runs that are remembered so.
	mostEnded = 10_000
	// sharedSize is the largest payload that the shared sockets take: what
	// fits an Ethernet frame. Larger ones get a socket with larger buffers.
	sharedSize = 1472
)

// run is one run's place in an engine.
type run struct {
	engine *echoEngine
	number uint32
	to     netip.Addr
	size   int
	packet []byte        // of the request being sent; the run's own goroutine alone uses it
	drops  uint32        // the socket's, when the run began
	wake   chan struct{} // of capacity 1: there are events
	async  *async        // what takes them, instead of wake

	seqs     []uint16     // guarded by engine.mu, as all that follows; of the requests sent
	answered []bool       // by index
	missing  map[int]bool // after the end: requests without reply
	events   []event
	unseen   [eventKinds]int // events that there was no room for; of replies, duplicates
	late     int             // replies after the end
	silent   bool            // after the end: it got no reply at all
	tried    *run            // after the end: the one of the same measurement to the address before
}

// startICMP opens a socket and starts reading from it. The error is classified.
func startICMP(c probes.Common, o options) (*echoEngine, error) {
	e, err := openICMPEngine(c, o)
	if err == nil {
		e.start()
	}
	return e, err
}

// openICMPEngine is startICMP without the reading.
func openICMPEngine(c probes.Common, o options) (*echoEngine, error) {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	random := rand.NewChaCha8(seed)
	sock, err := openICMP(c, o, uint16(random.Uint64()))
	if err != nil {
		return nil, err
	}
	return newICMPEngine(sock, random), nil
}

// newICMPEngine makes an engine of sock, which it owns from then on.
func newICMPEngine(sock *socket, random *rand.ChaCha8) *echoEngine {
	e := &echoEngine{
		sock: sock, key: random.Uint64(), pattern: make([]byte, sock.limit),
		runs: map[uint32]*run{}, seqs: map[uint16]icmpSlot{},
		run: uint32(random.Uint64()), seq: uint16(random.Uint64()), buffers: newICMPBuffers(sock.limit),
	}
	random.Read(e.pattern)
	return e
}

// start begins to read.
func (e *echoEngine) start() { e.reader.Go(e.readLoop) }

// Close ends the reading. Runs must have ended before.
func (e *echoEngine) Close() error {
	err := e.sock.ready.Close()
	e.reader.Wait()
	return errors.Join(err, e.sock.Close())
}

// open makes room for a run of at most count requests.
func (e *echoEngine) open(to netip.Addr, count, size int) *run {
	r := &run{wake: make(chan struct{}, 1), answered: make([]bool, 0, count)}
	e.begin(r, to, size)
	return r
}

// begin makes r a run of this engine.
func (e *echoEngine) begin(r *run, to netip.Addr, size int) {
	to = numbered(to)
	r.engine, r.to, r.size, r.packet = e, to, size, make([]byte, icmpHeader+size)
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetLocked(now)
	if now.Sub(e.sampled) > gather { // a system call for many runs
		e.drops, e.sampled = e.sock.drops(), now
	}
	r.drops = e.drops
	e.live++
	for {
		e.run++
		if _, taken := e.runs[e.run]; !taken {
			break
		}
	}
	r.number = e.run
	e.runs[r.number] = r
}

// numbered is a with its zone as replies have it: a number.
func numbered(a netip.Addr) netip.Addr {
	if z := a.Zone(); z != "" {
		return a.WithZone(strconv.FormatUint(uint64(zone(z)), 10))
	}
	return a
}

// silentFrom is the run that got no reply from to: this one, which ended, or one of
// those tried before it; nil for none.
func (r *run) silentFrom(to netip.Addr) *run {
	to = numbered(to)
	for ; r != nil && (r.to != to || !r.silent); r = r.tried {
	}
	return r
}

// send sends the run's next request, see [socket.send].
func (r *run) send(ctx context.Context) (q request, seq uint16, err error) {
	q, seq, err = r.sendBy(func(packet []byte, to netip.Addr) (time.Time, bool, error) {
		return r.engine.sock.send(ctx, packet, to)
	})
	r.engine.expect()
	return q, seq, err
}

// sendBy sends the next request by way of send.
func (r *run) sendBy(send func(packet []byte, to netip.Addr) (time.Time, bool, error)) (q request, seq uint16, err error) {
	e := r.engine
	e.mu.Lock()
	index := len(r.seqs)
	seq = e.nextSeqLocked()
	e.seqs[seq] = icmpSlot{r, index} // before it is sent: the reply may come at once
	r.seqs, r.answered = append(r.seqs, seq), append(r.answered, false)
	e.mu.Unlock()

	icmpMark{e.key, r.number, uint32(index)}.put(r.packet[icmpHeader:])
	copy(r.packet[icmpHeader+markLen:], e.pattern[:r.size-markLen])
	putICMPEcho(r.packet, e.sock.v6, e.sock.id, seq)
	var exact bool
	q.sent, exact, err = send(r.packet, r.to)
	q.unsure = !exact
	if err != nil {
		e.mu.Lock()
		r.seqs, r.answered = r.seqs[:index], r.answered[:index]
		e.releaseLocked(seq, r)
		e.mu.Unlock()
	}
	return q, seq, err
}

// nextSeqLocked chooses a sequence number that no request waits with. When all
// are taken the next one loses its request to this one, which then misses only
// ICMP errors that quote no payload.
func (e *echoEngine) nextSeqLocked() uint16 {
	for range 1 << 16 {
		e.seq++
		if _, taken := e.seqs[e.seq]; !taken {
			return e.seq
		}
	}
	e.seq++
	return e.seq
}

func (e *echoEngine) releaseLocked(seq uint16, r *run) {
	if e.seqs[seq].run == r {
		delete(e.seqs, seq)
	}
}

// drainEvents returns what came since the last call, and how many of each kind there
// was no room for.
func (r *run) drainEvents() (events []event, unseen [eventKinds]int) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	events, unseen = r.events, r.unseen
	r.events, r.unseen = nil, [eventKinds]int{}
	return events, unseen
}

// close ends the run and returns how many packets the socket had no room for
// meanwhile, 0 when no reply is missing. Replies to what is still missing are
// counted as late for a while.
func (r *run) close() (drops int) {
	e := r.engine
	answered := false
	if e.pool != nil {
		defer func() { e.pool.release(e, answered) }() // without e.mu
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live--
	answered = slices.Contains(r.answered, true)
	r.silent = len(r.seqs) > 0 && !answered
	for i, seq := range r.seqs {
		e.releaseLocked(seq, r)
		if !r.answered[i] {
			if r.missing == nil {
				r.missing = map[int]bool{}
			}
			r.missing[i] = true
		}
	}
	if r.missing == nil {
		delete(e.runs, r.number)
	} else {
		drops = int(e.sock.drops() - r.drops)
		now := time.Now()
		e.forgetLocked(now)
		e.ended = append(e.ended, ended{r, now.Add(lateFor)})
	}
	r.packet, r.seqs, r.answered, r.events = nil, nil, nil, nil
	return drops
}

// countLate returns how many late replies came after the run's end. No more are
// counted.
func (r *run) countLate() int {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.runs, r.number)
	return r.late
}

// forgetLocked forgets the runs that ended long ago, or are too many.
func (e *echoEngine) forgetLocked(now time.Time) {
	n := 0
	for n < len(e.ended) && (now.After(e.ended[n].until) || len(e.ended)-n >= mostEnded) {
		delete(e.runs, e.ended[n].run.number)
		n++
	}
	e.ended = slices.Delete(e.ended, 0, n)
}
