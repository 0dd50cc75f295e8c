package probes

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// icmpEngine sends the echo requests of many runs through one socket and hands
// to each run what comes for it. One goroutine reads for all of them.
type icmpEngine struct {
	sock    *icmpSocket
	key     uint64 // random: tells our requests from everybody else's
	pattern []byte // random: what a payload holds behind its mark
	reader  sync.WaitGroup

	mu    sync.Mutex
	runs  map[uint32]*icmpRun // guarded by mu, as all that follows; by the number in the mark
	seqs  map[uint16]icmpSlot // requests by sequence number, for what carries no mark
	run   uint32              // number of the latest run
	seq   uint16              // sequence number of the latest request
	ended []icmpEnded         // runs that have ended with lost requests, oldest first
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

	seqs     []uint16     // guarded by engine.mu, as all that follows; of the requests sent
	answered []bool       // by index
	missing  map[int]bool // after the end: requests without reply
	events   []icmpEvent
	unseen   int // events that there was no room for, which were duplicates or errors
	late     int // replies after the end
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
		run: uint32(random.Uint64()), seq: uint16(random.Uint64()),
	}
	random.Read(e.pattern)
	e.reader.Go(func() { sock.read(e) })
	return e
}

// Close ends the reading. Runs must have ended before.
func (e *icmpEngine) Close() error {
	err := e.sock.Close()
	e.reader.Wait()
	return err
}

// open makes room for a run of at most count requests.
func (e *icmpEngine) open(to netip.Addr, count, size int) *icmpRun {
	if z := to.Zone(); z != "" { // as replies have it
		to = to.WithZone(strconv.FormatUint(uint64(icmpZone(z)), 10))
	}
	r := &icmpRun{engine: e, to: to, size: size, wake: make(chan struct{}, 1), packet: make([]byte, icmpHeader+size), drops: e.sock.drops()}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetLocked(time.Now())
	for {
		e.run++
		if _, taken := e.runs[e.run]; !taken {
			break
		}
	}
	r.number = e.run
	r.answered = make([]bool, 0, count)
	e.runs[r.number] = r
	return r
}

// send sends the run's next request, see [icmpSocket.send].
func (r *icmpRun) send(ctx context.Context) (q icmpRequest, seq uint16, err error) {
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
	q.sent, exact, err = e.sock.send(ctx, r.packet, r.to)
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

// take returns what came since the last call, and how many duplicates and ICMP
// errors there was no room for.
func (r *icmpRun) take() (events []icmpEvent, unseen int) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	events, unseen = r.events, r.unseen
	r.events, r.unseen = nil, 0
	return events, unseen
}

// close ends the run and returns how many packets the socket had no room for
// meanwhile, 0 when no reply is missing. Replies to what is still missing are counted as late for a while.
func (r *icmpRun) close() (drops int) {
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
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

// icmpInput is one packet as the socket read it.
type icmpInput struct {
	message []byte     // from the ICMP header on
	from    netip.Addr // who sent it
	ttl     int        // 0 when unknown
	badSum  bool       // its checksum is wrong
	arrival            // its times
}

// received finds the run that a packet is for. Everything else is nobody's: it
// is ignored.
func (e *icmpEngine) received(in icmpInput) {
	v6 := e.sock.v6
	if echo, ok := icmpReply(in.message, v6); ok {
		e.receivedReply(in, echo)
		return
	}
	about, quoted, ok := icmpErrorOf(in.message, v6)
	if !ok || in.badSum {
		return
	}
	about.from = in.from.WithZone("")
	to, message, ok := icmpQuotedPacket(quoted, v6)
	if !ok {
		return
	}
	if echo, ok := icmpQuoted(message, v6); ok && echo.id == e.sock.id {
		e.receivedError(about, echo, to)
	}
}

func (e *icmpEngine) receivedReply(in icmpInput, echo icmpEcho) {
	if echo.id != e.sock.id {
		return
	}
	ev := icmpEvent{kind: icmpGotReply, arrival: in.arrival, from: in.from.WithZone(""), bytes: len(in.message), ttl: in.ttl}
	mark, marked := icmpMarkOf(echo.payload)
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[mark.run]
	if marked && mark.key == e.key {
		if r == nil {
			return // of a run that is forgotten
		}
		if r.missing != nil {
			if r.missing[int(mark.index)] && icmpFlaw(echo.payload, mark, e.pattern, r.size) == "" && in.sentBy(r.to) {
				delete(r.missing, int(mark.index))
				r.late++
			}
			return
		}
		if int64(mark.index) >= int64(len(r.seqs)) {
			return
		}
		ev.index = int(mark.index)
	} else { // its mark may be what is spoiled
		slot, ok := e.seqs[echo.seq]
		if !ok || !in.sentBy(slot.run.to) || slot.run.answered[slot.index] {
			return
		}
		r, ev.index = slot.run, slot.index
	}
	switch flaw := icmpFlaw(echo.payload, icmpMark{e.key, r.number, uint32(ev.index)}, e.pattern, r.size); {
	case flaw != "":
		ev.kind, ev.flaw = icmpGotCorrupted, flaw
	case echo.seq != r.seqs[ev.index]:
		ev.kind, ev.flaw = icmpGotCorrupted, fmt.Sprintf("sequence number %d instead of %d", echo.seq, r.seqs[ev.index])
	case in.badSum:
		ev.kind, ev.flaw = icmpGotCorrupted, "its checksum is wrong"
	case !in.sentBy(r.to):
		ev.kind = icmpGotStranger
	}
	first := ev.kind == icmpGotReply && !r.answered[ev.index]
	if first {
		r.answered[ev.index] = true
	}
	r.giveLocked(ev, first)
}

// sentBy says whether the packet is from the address that was asked. Whoever
// asks all of a group hears from its members.
func (in icmpInput) sentBy(to netip.Addr) bool {
	if to.IsMulticast() || to.IsUnspecified() {
		return true
	}
	if to.Zone() == "" {
		return in.from.WithZone("") == to
	}
	return in.from == to
}

// receivedError hands an ICMP error to the run whose request it quotes: by the
// mark, or where so little is quoted by the sequence number and the address.
func (e *icmpEngine) receivedError(about icmpError, echo icmpEcho, to netip.Addr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	slot, ok := e.seqs[echo.seq]
	if mark, marked := icmpMarkOf(echo.payload); marked {
		r := e.runs[mark.run]
		if mark.key != e.key || r == nil || int64(mark.index) >= int64(len(r.seqs)) {
			return
		}
		slot = icmpSlot{r, int(mark.index)}
	} else if !ok {
		return
	}
	if to != slot.run.to.WithZone("") {
		return
	}
	slot.run.giveLocked(icmpEvent{kind: icmpGotError, index: slot.index, err: about}, false)
}

// giveLocked queues an event. The first reply to a request always finds room;
// what a hostile target may send without end does not.
func (r *icmpRun) giveLocked(ev icmpEvent, always bool) {
	if !always && len(r.events) >= 64+2*cap(r.answered) {
		r.unseen++
		return
	}
	r.events = append(r.events, ev)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// icmpEngineOf returns the engine that all monitors share, one per IP family.
func icmpEngineOf(env *Env, v6 bool) (*icmpEngine, error) {
	key := "icmp 4"
	if v6 {
		key = "icmp 6"
	}
	e, err := env.Shared(key, func() (io.Closer, error) { return startICMP(Common{}, icmpOptions{v6: v6}) })
	if err != nil {
		return nil, err
	}
	return e.(*icmpEngine), nil
}

// exchange sends the requests and takes what comes, until each has its reply or
// the time is over. attempt is the part of ctx in which the address must have
// shown that it answers at all. The error means that nothing could be sent.
func (s *icmpSeries) exchange(ctx, attempt context.Context) error {
	engine, private, err := s.engine()
	if err != nil {
		return err
	}
	if private {
		defer engine.Close()
	}
	before, _ := s.run.Prev.(*icmpRun)
	r := engine.open(s.to, s.Count, s.Size)
	defer func() {
		s.drain(r)
		s.drops = r.close()
		if before != nil {
			s.late += before.forget()
		}
		if !private {
			s.run.Keep(r)
		}
		s.finish()
	}()

	if err := s.send(ctx, r); err != nil {
		return err
	}
	begin := s.sent[0].sent
	next, end := time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	defer next.Stop()
	defer end.Stop()
	plan := func() {
		if n := len(s.sent); n < s.Count {
			next.Reset(time.Until(begin.Add(time.Duration(n) * s.Interval.Std())))
		} else if s.Wait > 0 {
			end.Reset(time.Until(s.sent[n-1].sent.Add(s.Wait.Std())))
		}
	}
	plan()
	for !s.done() {
		select {
		case <-next.C:
			if err := s.send(ctx, r); err != nil {
				s.err = err
				s.run.Stepf("icmp_seq=%d: %v", len(s.sent)+1, err)
				return nil
			}
			plan()
		case <-r.wake:
			s.drain(r)
			if s.answered() {
				attempt = ctx
			} else if s.open == 0 && !s.last {
				return nil
			}
		case <-end.C:
			return nil
		case <-attempt.Done():
			if len(s.sent) < s.Count && s.answered() {
				s.err = s.tooShort()
			}
			return nil
		}
	}
	return nil
}

// engine is the shared one, or one with a socket of its own where the options
// need that.
func (s *icmpSeries) engine() (e *icmpEngine, private bool, err error) {
	o := icmpOptions{v6: s.to.Is6(), ttl: s.TTL, dscp: s.DSCP, df: s.DF}

	private = s.TTL != 0 || s.DSCP != 0 || s.DF || s.Source != "" || s.Size > icmpSharedSize
	if private {
		o.limit = s.Size
	}
	whose := "shared by all monitors"
	if private {
		whose = "of this run"
		e, err = startICMP(s.Common, o)
	} else {
		e, err = icmpEngineOf(s.run.Env, o.v6)
	}
	if err != nil {
		s.run.Stepf("%v", err)
		return nil, false, err
	}
	s.run.Stepf("%s, %s", e.sock, whose)
	return e, private, nil
}

func (s *icmpSeries) drain(r *icmpRun) {
	events, unseen := r.take()
	for _, ev := range events {
		s.take(ev)
	}
	s.duplicates += unseen
}

func (s *icmpSeries) send(ctx context.Context, r *icmpRun) error {
	q, seq, err := r.send(ctx)
	if err != nil {
		return s.sendError(err)
	}
	s.noteSent(q)
	if s.run.onStep != nil {
		s.run.Stepf("sent %d bytes to %s: icmp_seq=%d (id %#04x, seq %d on the wire)", s.Size+icmpHeader, s.to, len(s.sent), r.engine.sock.id, seq)
	}
	return nil
}
