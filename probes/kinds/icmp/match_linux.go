package icmp

import (
	"fmt"
	"net/netip"

	"netmon/probes/engine"
)

// input is one packet as the socket read it.
type input struct {
	message        []byte     // from the ICMP header on
	from           netip.Addr // who sent it
	ttl            int        // 0 when unknown
	badSum         bool       // its checksum is wrong
	engine.Arrival            // its times
}

// received finds the run that a packet is for. Everything else is nobody's: it
// is ignored.
func (e *echoEngine) received(in input) {
	v6 := e.sock.v6
	if echo, ok := icmpReply(in.message, v6); ok {
		if !e.receivedReply(in, echo) {
			e.surplus(in)
		}
		return
	}
	about, quoted, ok := errorOf(in.message, v6)
	if !ok || in.badSum {
		return
	}
	about.from = in.from.WithZone("")
	to, message, ok := quotedPacket(quoted, v6)
	if !ok {
		return
	}
	if echo, ok := icmpQuoted(message, v6); ok && echo.id == e.sock.id {
		e.receivedError(about, echo, to)
	}
}

// surplus counts a packet that ends no request. Whoever sends too many of them is
// not heard any more, as the replies for others have no room beside them.
func (e *echoEngine) surplus(in input) {
	if e.pool == nil { // it has no others
		return
	}
	from, flood := e.noise.Note(in.from.WithZone(""), in.Read)
	if !flood {
		return
	}
	e.pool.flooded(e, from, in.Read)
	drops := e.sock.drops() // before the filter drops more
	if from.IsValid() {
		e.sock.mute(from)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runs {
		if r.missing == nil && (r.to.WithZone("") == from || drops != r.drops) { // its reply may be among the dropped
			r.giveLocked(event{kind: gotMuted}, true)
		}
	}
}

// receivedReply says whether it was the first proper reply to a request.
func (e *echoEngine) receivedReply(in input, echo icmpEcho) (first bool) {
	if echo.id != e.sock.id {
		return false
	}
	ev := event{kind: gotReply, Arrival: in.Arrival, from: in.from.WithZone(""), bytes: len(in.message), ttl: in.ttl}
	mark, marked := markOf(echo.payload)
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[mark.run]
	if marked && mark.key == e.key {
		if r == nil {
			return false // of a run that is forgotten
		}
		if r.missing != nil {
			if r.missing[int(mark.index)] && icmpFlaw(echo.payload, mark, e.pattern, r.size) == "" && in.sentBy(r.to) {
				delete(r.missing, int(mark.index))
				r.late++
			}
			return false
		}
		if int64(mark.index) >= int64(len(r.seqs)) {
			return false
		}
		ev.index = int(mark.index)
	} else { // its mark may be what is spoiled
		slot, ok := e.seqs[echo.seq]
		if !ok || !in.sentBy(slot.run.to) || slot.run.answered[slot.index] {
			return false
		}
		r, ev.index = slot.run, slot.index
	}
	switch flaw := icmpFlaw(echo.payload, icmpMark{e.key, r.number, uint32(ev.index)}, e.pattern, r.size); {
	case flaw != "":
		ev.kind, ev.flaw = gotCorrupted, flaw
	case echo.seq != r.seqs[ev.index]:
		ev.kind, ev.flaw = gotCorrupted, fmt.Sprintf("sequence number %d instead of %d", echo.seq, r.seqs[ev.index])
	case in.badSum:
		ev.kind, ev.flaw = gotCorrupted, "its checksum is wrong"
	case !in.sentBy(r.to):
		ev.kind = gotStranger
	}
	first = ev.kind == gotReply && !r.answered[ev.index]
	if first {
		r.answered[ev.index] = true
	}
	r.giveLocked(ev, first)
	return first
}

// sentBy says whether the packet is from the address that was asked. Whoever
// asks all of a group hears from its members.
func (in input) sentBy(to netip.Addr) bool {
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
func (e *echoEngine) receivedError(about icmpError, echo icmpEcho, to netip.Addr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	slot, ok := e.seqs[echo.seq]
	if mark, marked := markOf(echo.payload); marked {
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
	slot.run.giveLocked(event{kind: gotError, index: slot.index, err: about}, false)
}

// giveLocked queues an event. The first reply to a request always finds room;
// what a hostile target may send without end does not.
func (r *run) giveLocked(ev event, always bool) {
	if !always && len(r.events) >= 64+2*cap(r.answered) {
		r.unseen[ev.kind]++
		return
	}
	r.events = append(r.events, ev)
	if r.async != nil {
		r.engine.woken = append(r.engine.woken, r.async)
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
