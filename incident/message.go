package incident

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

const (
	mostDetailed = 100 // members whose reason and blame are in the message
	mostText     = 300 // bytes of such a text, as JSON has it
	mostName     = 150 // of a name in a fault: a label is up to 129
	firstKept    = 20  // entries of the log that stay when it is full
)

// note writes what happened since the last message into the log.
func (k *Keeper) note(inc *incident) {
	e := inc.events
	inc.events = events{}
	at := e.at
	if at.IsZero() {
		at = k.now
	}
	first := inc.N == 0 && inc.State == wire.IncidentOpen
	if first {
		k.logAt(inc, inc.Decided, wire.EntryOpened, "", strings.TrimSpace(listOf(inc.labels())+": "+inc.firstWhy()))
	}
	for _, list := range []struct {
		names  []string
		what   wire.EntryKind
		format string
	}{
		{e.joined, wire.EntryChanged, "%s joined"},
		{e.worse, wire.EntryChanged, "%s: worse"},
		{e.better, wire.EntryChanged, "%s: better, but not good yet"},
		{e.left, wire.EntryChanged, "%s: good again" + reasonOf(e.left, e.leftWhy)},
		{e.corrected, wire.EntryCorrected, "%s: " + e.correctedWhat},
	} {
		if len(list.names) == 0 || first && list.format == "%s joined" {
			continue
		}
		k.logAt(inc, at, list.what, "", strings.Replace(list.format, "%s", listOf(list.names), 1))
	}
	for _, entry := range e.notes {
		k.logAt(inc, entry.At, entry.What, entry.By, entry.Text)
	}
}

// reasonOf is why one of them is good again; of several each has its own.
func reasonOf(names []string, why string) string {
	if len(names) != 1 || why == "" {
		return ""
	}
	return ": " + why
}

func (inc *incident) labels() (out []string) {
	for _, m := range inc.members {
		out = append(out, label(&m.IncidentMember))
	}
	return out
}

func (inc *incident) firstWhy() string {
	if len(inc.members) == 0 {
		return ""
	}
	return inc.members[0].Why
}

func (k *Keeper) log(inc *incident, what wire.EntryKind, by, text string) {
	k.logAt(inc, k.now, what, by, text)
}

// logAt adds an entry. Of many the first and the last stay.
func (k *Keeper) logAt(inc *incident, at time.Time, what wire.EntryKind, by, text string) {
	if len(inc.Log) >= wire.MaxLog {
		inc.Log = slices.Delete(inc.Log, firstKept, firstKept+1)
	}
	inc.Log = append(inc.Log, wire.Entry{At: at.UTC(), What: what, By: clipJSON(by, mostText), Text: clipJSON(text, mostText)})
	inc.changed = true
}

// message is an incident as it is now, for others, and the next of its number.
func (k *Keeper) message(inc *incident) wire.Incident {
	for _, e := range inc.events.notes {
		k.logAt(inc, e.At, e.What, e.By, textOf(inc, &e))
	}
	inc.events.notes = nil
	inc.N++
	inc.At, inc.changed = k.now, false
	msg := inc.Incident
	msg.Blame = clipBlame(inc.Blame)
	msg.Muted, msg.Channels, msg.Log = slices.Clone(inc.Muted), slices.Clone(inc.Channels), slices.Clone(inc.Log)
	msg.Members = make([]wire.IncidentMember, 0, min(len(inc.members), wire.MaxMembers))
	var rest strings.Builder
	marks := 0
	mark := func(s string) {
		if marks++; marks <= wire.MaxRest {
			rest.WriteString(s)
		}
	}
	for _, m := range inc.members {
		if !m.listed {
			mark(markOf(m.key()))
			continue
		}
		out := m.IncidentMember
		out.Muted = slices.Clone(m.Muted)
		if len(msg.Members) < mostDetailed {
			out.Why, out.Blame = clipJSON(m.Why, mostText), clipBlame(m.Blame)
		} else {
			out.Why, out.Blame = "", nil
		}
		msg.Members = append(msg.Members, out)
	}
	for _, s := range slices.Sorted(maps.Keys(inc.rest)) {
		mark(s)
	}
	msg.Rest, msg.More = rest.String(), marks+inc.restGood
	if inc.State != wire.IncidentMerged {
		kept := msg
		k.done[inc.ID] = &kept
	}
	return msg
}

// textOf fills in what is known only when the message is made.
func textOf(inc *incident, e *wire.Entry) string {
	if e.Text == "" {
		return inc.Summary
	}
	return e.Text
}

// markOf stands for a member that is not listed: 36 bits of its name's hash.
func markOf(at key) string {
	sum := sha256.Sum256([]byte(at.about + " " + at.name))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:wire.MemberMark]
}

// clipBlame bounds what a message says of a fault.
func clipBlame(b *wire.Blame) *wire.Blame {
	if b == nil {
		return nil
	}
	out := *b
	out.Why = clipJSON(b.Why, mostText)
	out.Names = slices.Clone(b.Names[:min(len(b.Names), 5)])
	for i, name := range out.Names {
		out.Names[i] = clipJSON(name, mostName)
	}
	return &out
}

// clipJSON cuts text at so many bytes of JSON.
func clipJSON(s string, most int) string { return wire.ClipJSON(s, most) }
