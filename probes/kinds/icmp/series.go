package icmp

import (
	"fmt"
	"net/netip"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// series is one run's echo requests to one address and what came of them.
// One goroutine owns it.
type series struct {
	Probe
	run  *probes.Run
	to   netip.Addr
	last bool // there is no other address to fall back to

	tried any // the *run to the address before, where replies are missing

	began       time.Time
	took        time.Duration
	sent        []request
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
	noisy       bool        // somebody floods the shared socket: replies may be lost, or not heard
	err         error       // why not all could be sent
}

// request is one echo request.
type request struct {
	sent   time.Time
	unsure bool // it may have been sent a while later
	state  icmpState
	rtt    time.Duration
	clock  string
}

// sendSlack is how long the system call that sends a request may take for
// the time before it to count as the time of sending. It takes 5 to 50 µs, with
// large payloads 200; one that takes longer was interrupted, nobody knows where.
// A round trip that is shorter than this cannot be wrong by more.
const sendSlack = 500 * time.Microsecond

type icmpState uint8

const (
	waiting     icmpState = iota // nothing came
	answered                     // in time
	late                         // answered, but not within Wait
	icmpRefused                  // an ICMP error came
)

// mostErrors bounds the ICMP errors that a result lists.
const mostErrors = 8

// event is one thing that came for a run.
type event struct {
	kind  eventKind
	index int // of the request
	engine.Arrival
	from  netip.Addr
	bytes int    // of the ICMP message
	ttl   int    // 0 when the system does not say
	flaw  string // of a corrupted reply
	err   icmpError
}

type eventKind uint8

const (
	gotReply eventKind = iota
	gotCorrupted
	gotStranger // a proper reply, but from another address than asked
	gotError
	gotMuted // nothing: replies may be lost, or are not heard any more, see noise
	eventKinds
)

// noteSent adds a request that was sent.
func (s *series) noteSent(r request) {
	if len(s.sent) == 0 {
		s.began, s.highest = r.sent, -1
	}
	s.sent = append(s.sent, r)
	s.open++
}

// done says whether all were sent and something came of each.
func (s *series) done() bool { return s.open == 0 && len(s.sent) == s.Count }

// applyEvent notes what came.
func (s *series) applyEvent(e event) {
	if e.kind == gotMuted {
		s.noisy = true
		return
	}
	if e.index >= len(s.sent) {
		return // of a request that could not be sent after all: somebody lies
	}
	r := &s.sent[e.index]
	switch e.kind {
	case gotReply:
		s.reply(r, e)
	case gotCorrupted:
		s.corrupted++ // anybody may have made it: the true one may still come
		if s.flaw == "" {
			s.flaw = e.flaw
		}
		s.run.Livef("%d bytes from %s: icmp_seq=%d corrupted: %s", e.bytes, e.from, e.index+1, e.flaw)
	case gotStranger:
		if s.wrongSource++; s.wrongSource == 1 {
			s.stranger = e.from
		}
		s.run.Livef("%d bytes from %s: icmp_seq=%d DIFFERENT ADDRESS, not counted", e.bytes, e.from, e.index+1)
	case gotError:
		s.noteError(e.err)
		s.close(r, icmpRefused)
		s.run.Livef("From %s icmp_seq=%d %s", e.err.from, e.index+1, e.err.text(s.to.Is6()))
	}
}

// close ends the waiting for a request. A reply that comes anyway
// still counts.
func (s *series) close(r *request, state icmpState) {
	if r.state == waiting {
		r.state = state
		s.open--
	}
}

func (s *series) reply(r *request, e event) {
	remark := ""
	rtt, clock := e.Since(r.sent)
	if r.unsure && rtt > sendSlack {
		clock = engine.ClockUser
	}
	switch {
	case r.state == answered || r.state == late:
		s.duplicates++
		remark = " (DUP!)"
	case s.Wait > 0 && rtt > s.Wait.Std():
		s.late++
		s.close(r, late)
		r.state = late
		remark = " (late)"
	default:
		s.close(r, answered)
		r.state, r.rtt, r.clock = answered, rtt, clock
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
	if !s.run.Watched() {
		return // nobody looks, at ten thousand replies a second
	}
	ttl := ""
	if e.ttl > 0 {
		ttl = fmt.Sprintf(" ttl=%d", e.ttl)
	}
	s.run.Livef("%d bytes from %s: icmp_seq=%d%s time=%s ms%s", e.bytes, e.from, e.index+1, ttl, figures.MS(int64(rtt)), remark)
}

func (s *series) noteError(e icmpError) {
	for i, known := range s.errors {
		if e == known {
			s.errorCounts[i]++
			return
		}
	}
	if len(s.errors) == mostErrors {
		s.otherErrors++
		return
	}
	s.errors, s.errorCounts = append(s.errors, e), append(s.errorCounts, 1)
}

// finish closes the account: what is still open is lost.
func (s *series) finish() {
	if len(s.sent) == 0 {
		return
	}
	s.took = time.Since(s.began)
	for i, r := range s.sent {
		if r.state == waiting {
			s.run.Stepf("icmp_seq=%d: no answer", i+1)
		}
	}
}

// answered says whether the address has shown that it answers.
func (s *series) answered() bool { return s.highest >= 0 && len(s.sent) > 0 }

// tooShort is the error of a timeout in which not all could be sent.
func (s *series) tooShort() error {
	return probes.Fail(wire.FailTimeout, "only %d of %d requests were sent within the timeout: it is shorter than count times interval", len(s.sent), s.Count)
}
