package probes

import (
	"fmt"
	"net/netip"
)

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
