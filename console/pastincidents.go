package console

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// pastIncidents are the incidents as they stood at a time, and what became of them until
// another one, by time: of each the stream has its last 200 changes.
func (p *Past) pastIncidents(ctx context.Context, since, at, until time.Time) (then []wire.Incident, later []pastEvent, err error) {
	_, err = p.c.open(ctx, wire.IncidentsStream) // which says at once what we may not do
	var t *tail.Tail
	if err == nil {
		t, err = tail.Open(ctx, p.c.js, wire.IncidentsStream, tail.From{Subjects: []string{wire.AllIncidents}, Since: since})
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil, errNoIncidents
	}
	if err != nil {
		return nil, nil, noMesh("read the incidents", err)
	}
	defer t.Stop()
	of := map[string]*wire.Incident{}
	for left := t.Left(); left > 0; left-- {
		msg, meta, err := t.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, nil, noMesh("read the incidents", err)
		}
		if meta.Timestamp.After(until.Add(time.Minute)) { // they are stored after they are made
			break
		}
		x, err := wire.DecodeIncident(msg.Subject, msg.Data)
		switch was := of[x.ID]; {
		case err != nil, x.At.After(until):
		case !x.At.After(at):
			of[x.ID] = &x
		case was == nil && since.IsZero() && x.N > 1 && !x.Opened.After(at):
			before := incidentBefore(x, at)
			of[x.ID] = &before
			fallthrough
		default:
			later = append(later, pastEvent{at: x.At, incident: &x})
		}
		if meta.NumPending == 0 {
			break
		}
	}
	for _, x := range of {
		then = append(then, *x)
	}
	slices.SortStableFunc(later, func(a, b pastEvent) int { return a.at.Compare(b.at) })
	return then, later, nil
}

// incidentBefore is an incident as it was at a time of which no message is kept, as far as
// a later one says: who had joined by then, and what had happened.
func incidentBefore(x wire.Incident, at time.Time) wire.Incident {
	x.State, x.Resolved, x.Into, x.N, x.At, x.Muted, x.Flaps, x.More, x.Rest, x.Good = wire.IncidentOpen, time.Time{}, "", 0, at, nil, false, 0, "", 0
	x.Summary = "as far as is still kept: " + x.Summary
	members := x.Members
	x.Members = nil
	for _, m := range members {
		if m.Since.After(at) {
			continue
		}
		switch {
		case m.Until.After(at):
			m.Until = time.Time{}
		case !m.Until.IsZero():
			x.Good++
		}
		x.Members = append(x.Members, m)
	}
	if x.Ack != nil && x.Ack.At.After(at) {
		x.Ack = nil
	}
	x.Channels = slices.DeleteFunc(slices.Clone(x.Channels), func(c wire.ChannelState) bool { return c.Decided.After(at) })
	x.Log = slices.DeleteFunc(slices.Clone(x.Log), func(e wire.Entry) bool { return e.At.After(at) })
	return x
}
