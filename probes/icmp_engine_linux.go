package probes

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
)

// icmpEngine sends the echo requests of many runs through one socket and hands
// to each run what comes for it. Whoever reads does so for all of them.
type icmpEngine struct {
	sock    *icmpSocket
	key     uint64 // random: tells our requests from everybody else's
	pattern []byte // random: what a payload holds behind its mark
	shared  bool   // by all monitors
	reader  sync.WaitGroup

	reading sync.Mutex   // held while the socket is read
	buffers *icmpBuffers // guarded by reading

	mu    sync.Mutex
	runs  map[uint32]*icmpRun // guarded by mu, as all that follows; by the number in the mark
	seqs  map[uint16]icmpSlot // requests by sequence number, for what carries no mark
	run   uint32              // number of the latest run
	seq   uint16              // sequence number of the latest request
	ended []icmpEnded         // runs that have ended with lost requests, oldest first
	live  int                 // runs that have not ended

	watched bool         // the reader waits for the socket, or reads it
	woken   []*icmpAsync // runs for which something came just now
	drops   uint32       // of the socket, at sampled
	sampled time.Time
}

// icmpSlot is one request of a run.
type icmpSlot struct {
	run   *icmpRun
	index int
}

// icmpEnded is a run that has ended, and until when a reply to it is known as a
// late one.
type icmpEnded struct {
	run   *icmpRun
	until time.Time
}

const (
	// icmpLateFor is how long a lost request is remembered after its run.
	icmpLateFor = time.Minute
	// icmpMostEnded bounds the runs that are remembered so.
	icmpMostEnded = 10_000
	// icmpSharedSize is the largest payload that the shared sockets take: what
	// fits an Ethernet frame. Larger ones get a socket with larger buffers.
	icmpSharedSize = 1472
)

// icmpRun is one run's place in an engine.
type icmpRun struct {
	engine *icmpEngine
	number uint32
	to     netip.Addr
	size   int
	packet []byte        // of the request being sent; the run's own goroutine alone uses it
	drops  uint32        // the socket's, when the run began
	wake   chan struct{} // of capacity 1: there are events
	async  *icmpAsync    // what takes them, instead of wake

	seqs     []uint16     // guarded by engine.mu, as all that follows; of the requests sent
	answered []bool       // by index
	missing  map[int]bool // after the end: requests without reply
	events   []icmpEvent
	unseen   [icmpEventKinds]int // events that there was no room for; of replies, duplicates
	late     int                 // replies after the end
}

// startICMP opens a socket and starts reading from it. The error is classified.
func startICMP(c Common, o icmpOptions) (*icmpEngine, error) {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	random := rand.NewChaCha8(seed)
	sock, err := openICMP(c, o, uint16(random.Uint64()))
	if err != nil {
		return nil, err
	}
	return newICMPEngine(sock, random), nil
}

// newICMPEngine starts reading from sock, which it owns from then on.
func newICMPEngine(sock *icmpSocket, random *rand.ChaCha8) *icmpEngine {
	e := &icmpEngine{
		sock: sock, key: random.Uint64(), pattern: make([]byte, sock.limit),
		runs: map[uint32]*icmpRun{}, seqs: map[uint16]icmpSlot{},
		run: uint32(random.Uint64()), seq: uint16(random.Uint64()), buffers: newICMPBuffers(sock.limit),
	}
	random.Read(e.pattern)
	e.reader.Go(e.readLoop)
	return e
}

// Close ends the reading. Runs must have ended before.
func (e *icmpEngine) Close() error {
	err := e.sock.ready.Close()
	e.reader.Wait()
	return errors.Join(err, e.sock.Close())
}

// open makes room for a run of at most count requests.
func (e *icmpEngine) open(to netip.Addr, count, size int) *icmpRun {
	r := &icmpRun{wake: make(chan struct{}, 1), answered: make([]bool, 0, count)}
	e.begin(r, to, size)
	return r
}

// begin makes r a run of this engine.
func (e *icmpEngine) begin(r *icmpRun, to netip.Addr, size int) {
	if z := to.Zone(); z != "" { // as replies have it
		to = to.WithZone(strconv.FormatUint(uint64(icmpZone(z)), 10))
	}
	r.engine, r.to, r.size, r.packet = e, to, size, make([]byte, icmpHeader+size)
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetLocked(now)
	if now.Sub(e.sampled) > icmpGather { // a system call for many runs
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

// send sends the run's next request, see [icmpSocket.send].
func (r *icmpRun) send(ctx context.Context) (q icmpRequest, seq uint16, err error) {
	q, seq, err = r.sendBy(func(packet []byte, to netip.Addr) (time.Time, bool, error) {
		return r.engine.sock.send(ctx, packet, to)
	})
	r.engine.expect()
	return q, seq, err
}

// sendBy sends the next request by way of send.
func (r *icmpRun) sendBy(send func(packet []byte, to netip.Addr) (time.Time, bool, error)) (q icmpRequest, seq uint16, err error) {
	e := r.engine
	e.mu.Lock()
	index := len(r.seqs)
	seq = e.nextSeqLocked()
	e.seqs[seq] = icmpSlot{r, index} // before it is sent: the reply may come at once
	r.seqs, r.answered = append(r.seqs, seq), append(r.answered, false)
	e.mu.Unlock()

	icmpMark{e.key, r.number, uint32(index)}.put(r.packet[icmpHeader:])
	copy(r.packet[icmpHeader+icmpMarkLen:], e.pattern[:r.size-icmpMarkLen])
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
func (e *icmpEngine) nextSeqLocked() uint16 {
	for range 1 << 16 {
		e.seq++
		if _, taken := e.seqs[e.seq]; !taken {
			return e.seq
		}
	}
	e.seq++
	return e.seq
}

func (e *icmpEngine) releaseLocked(seq uint16, r *icmpRun) {
	if e.seqs[seq].run == r {
		delete(e.seqs, seq)
	}
}

// take returns what came since the last call, and how many of each kind there
// was no room for.
func (r *icmpRun) take() (events []icmpEvent, unseen [icmpEventKinds]int) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	events, unseen = r.events, r.unseen
	r.events, r.unseen = nil, [icmpEventKinds]int{}
	return events, unseen
}

// close ends the run and returns how many packets the socket had no room for
// meanwhile, 0 when no reply is missing. Replies to what is still missing are
// counted as late for a while.
func (r *icmpRun) close() (drops int) {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live--
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
		e.ended = append(e.ended, icmpEnded{r, now.Add(icmpLateFor)})
	}
	r.packet, r.seqs, r.answered, r.events = nil, nil, nil, nil
	return drops
}

// forget returns how many late replies came after the run's end. No more are
// counted.
func (r *icmpRun) forget() int {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.runs, r.number)
	return r.late
}

// forgetLocked forgets the runs that ended long ago, or are too many.
func (e *icmpEngine) forgetLocked(now time.Time) {
	n := 0
	for n < len(e.ended) && (now.After(e.ended[n].until) || len(e.ended)-n >= icmpMostEnded) {
		delete(e.runs, e.ended[n].run.number)
		n++
	}
	e.ended = slices.Delete(e.ended, 0, n)
}
