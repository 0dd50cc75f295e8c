package notify

import (
	"time"

	"netmon/wire"
)

// samples are messages by which templates are tried: one that begins, one that is
// acknowledged and muted, and one that is over.
func samples() []*Message {
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	make := func(reason wire.Reason, n uint64) *Message {
		blame := &wire.Blame{Class: wire.BlameTarget, Sure: true, Why: "every agent sees it"}
		i := wire.Incident{ID: "web-paris-1-7", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseHost, Name: "shop.example.org"},
			Summary: "web is down", Opened: at, Decided: at, At: at.Add(time.Minute), Joined: at, N: n, Blame: blame,
			Members: []wire.IncidentMember{
				{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, Since: at, Why: "connection refused", Blame: blame, N: 1},
				{About: wire.AboutGroup, Name: "shop", Severity: wire.SeverityDown, Since: at, Until: at.Add(time.Second), N: 1},
			}, Good: 1}
		return &Message{Incident: i, Notice: wire.Notice{Channel: "ops", Incident: i.ID, N: n, Reason: reason, Of: n, At: at, Rule: "rest"}, Mesh: "netmon"}
	}
	began, acked, over := make(wire.ReasonOpened, 1), make(wire.ReasonAcknowledged, 2), make(wire.ReasonResolved, 3)
	acked.Incident.Ack = &wire.Ack{By: "anna@desk", At: at, Text: "I look"}
	acked.Incident.Muted, acked.Notice.Fallback = []string{"patch-night"}, "hook"
	over.Incident.State, over.Incident.Resolved, over.Incident.Blame = wire.IncidentResolved, at.Add(time.Minute), nil
	over.Incident.Members[0].Until = at.Add(time.Minute)
	return []*Message{began, acked, over}
}

// testMessageFor is what a channel is sent when somebody tries it.
func testMessageFor(channel, by, id string, now time.Time) *Message {
	return &Message{
		Incident: wire.Incident{ID: id, State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseMonitor, Name: "test"},
			Summary: "a test by " + Line(by) + " of the channel " + channel, Opened: now, Decided: now, At: now, Joined: now, N: 1,
			Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "test", Severity: wire.SeverityDown, Since: now, Why: "this is a test: nothing is wrong", N: 1}}},
		Notice: wire.Notice{Channel: channel, Incident: id, N: 1, Reason: wire.ReasonTest, Of: 1, At: now},
	}
}
