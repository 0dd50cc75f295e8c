package probes

import (
	"fmt"
	"net/netip"
	"time"

	"netmon/wire"
)

// icmpSeries is one run's echo requests to one address and what came of them.
// One goroutine owns it.
type icmpSeries struct {
	ICMP
	run  *Run
	to   netip.Addr
	last bool // there is no other address to fall back to

	began       time.Time
	took        time.Duration
	sent        []icmpRequest
	open        int // requests of which nothing has come
	highest     int // index of the latest request that was answered, -1 at first
	outOfOrder  int
	duplicates  int
	late        int
	corrupted   int
	flaw        string // of the first corrupted reply
	wrongSource int
	stranger    netip.Addr // the first wrong source
	rfcJitter   float64    // RFC 3550 section 6.4.1, ns
	lastRTT     time.Duration
	ttl, ttlMin int
	errors      []icmpError // by whom and what, each once, in order of their coming
	errorCounts []int       // how often each
	otherErrors int         // past the most that are kept
	drops       int         // replies lost at this host's own socket
	blind       bool        // more had come than was read when the time was over
	err         error       // why not all could be sent
}

// icmpRequest is one echo request.
type icmpRequest struct {
	sent   time.Time
	unsure bool // it may have been sent a while later
	state  icmpState
	rtt    time.Duration
	clock  string
}

// icmpSendSlack is how long the system call that sends a request may take for
// the time before it to count as the time of sending. It takes 5 to 50 µs, with
// large payloads 200; one that takes longer was interrupted, nobody knows where.
// A round trip that is shorter than this cannot be wrong by more.
const icmpSendSlack = 500 * time.Microsecond

type icmpState uint8

const (
	icmpWaiting  icmpState = iota // nothing came
	icmpAnswered                  // in time
	icmpLate                      // answered, but not within Wait
	icmpRefused                   // an ICMP error came
	icmpSpoiled                   // a corrupted reply came
)

// icmpMostErrors bounds the ICMP errors that a result lists.
const icmpMostErrors = 8

// icmpEvent is one thing that came for a run.
type icmpEvent struct {
	kind  icmpEventKind
	index int // of the request
	arrival
	from  netip.Addr
	bytes int    // of the ICMP message
	ttl   int    // 0 when the system does not tell
	flaw  string // of a corrupted reply
	err   icmpError
}

type icmpEventKind uint8

const (
	icmpGotReply icmpEventKind = iota
	icmpGotCorrupted
	icmpGotStranger // a proper reply, but from another address than asked
	icmpGotError
	icmpEventKinds
)

// noteSent adds a request that was sent.
func (s *icmpSeries) noteSent(r icmpRequest) {
	if len(s.sent) == 0 {
		s.began, s.highest = r.sent, -1
	}
	s.sent = append(s.sent, r)
	s.open++
}

// done says whether all were sent and something came of each.
func (s *icmpSeries) done() bool { return s.open == 0 && len(s.sent) == s.Count }

// take notes what came.
func (s *icmpSeries) take(e icmpEvent) {
	if e.index >= len(s.sent) {
		return // of a request that could not be sent after all: somebody lies
	}
	r := &s.sent[e.index]
	switch e.kind {
	case icmpGotReply:
		s.reply(r, e)
	case icmpGotCorrupted:
		s.corrupted++
		if s.flaw == "" {
			s.flaw = e.flaw
		}
		s.conclude(r, icmpSpoiled)
		s.run.Livef("%d bytes from %s: icmp_seq=%d corrupted: %s", e.bytes, e.from, e.index+1, e.flaw)
	case icmpGotStranger:
		if s.wrongSource++; s.wrongSource == 1 {
			s.stranger = e.from
		}
		s.run.Livef("%d bytes from %s: icmp_seq=%d DIFFERENT ADDRESS, not counted", e.bytes, e.from, e.index+1)
	case icmpGotError:
		s.noteError(e.err)
		s.conclude(r, icmpRefused)
		s.run.Livef("From %s icmp_seq=%d %s", e.err.from, e.index+1, e.err.text(s.to.Is6()))
	}
}

// conclude ends the waiting for a request. A reply that comes all the same
// still counts.
func (s *icmpSeries) conclude(r *icmpRequest, state icmpState) {
	if r.state == icmpWaiting {
		r.state = state
		s.open--
	}
}

func (s *icmpSeries) reply(r *icmpRequest, e icmpEvent) {
	remark := ""
	rtt, clock := e.since(r.sent)
	if r.unsure && rtt > icmpSendSlack {
		clock = ClockUser
	}
	switch {
	case r.state == icmpAnswered || r.state == icmpLate:
		s.duplicates++
		remark = " (DUP!)"
	case s.Wait > 0 && rtt > s.Wait.Std():
		s.late++
		s.conclude(r, icmpLate)
		r.state = icmpLate
		remark = " (late)"
	default:
		s.conclude(r, icmpAnswered)
		r.state, r.rtt, r.clock = icmpAnswered, rtt, clock
		if e.index < s.highest { // RFC 4737 section 3.3
			s.outOfOrder++
			remark = " (out of order)"
		}
		if s.highest >= 0 {
			s.rfcJitter += (float64((rtt - s.lastRTT).Abs()) - s.rfcJitter) / 16
		}
		s.highest, s.lastRTT = max(s.highest, e.index), rtt
		if s.ttl = e.ttl; s.ttlMin == 0 || e.ttl < s.ttlMin {
			s.ttlMin = e.ttl
		}
	}
	if s.run.onStep == nil {
		return // nobody looks, at ten thousand replies a second
	}
	ttl := ""
	if e.ttl > 0 {
		ttl = fmt.Sprintf(" ttl=%d", e.ttl)
	}
	s.run.Livef("%d bytes from %s: icmp_seq=%d%s time=%s ms%s", e.bytes, e.from, e.index+1, ttl, inMS(int64(rtt)), remark)
}

func (s *icmpSeries) noteError(e icmpError) {
	for i, known := range s.errors {
		if e == known {
			s.errorCounts[i]++
			return
		}
	}
	if len(s.errors) == icmpMostErrors {
		s.otherErrors++
		return
	}
	s.errors, s.errorCounts = append(s.errors, e), append(s.errorCounts, 1)
}

// finish closes the account: what is still open is lost.
func (s *icmpSeries) finish() {
	if len(s.sent) == 0 {
		return
	}
	s.took = time.Since(s.began)
	for i, r := range s.sent {
		if r.state == icmpWaiting {
			s.run.Stepf("icmp_seq=%d: no answer", i+1)
		}
	}
}

// answered says whether the address has shown that it answers.
func (s *icmpSeries) answered() bool { return s.highest >= 0 && len(s.sent) > 0 }

// tooShort is the error of a timeout in which not all could be sent.
func (s *icmpSeries) tooShort() error {
	return fail(wire.FailTimeout, "only %d of %d requests were sent within the timeout: it is shorter than count times interval", len(s.sent), s.Count)
}
