package main

import (
	"time"

	"netmon/wire"
)

// publishIncidents leaves incidents, channels and settings of which every text is hostile.
func publishIncidents(publish func(string, any), at time.Time) {
	blame := &wire.Blame{Class: wire.BlameClass(nastyText), Names: []string{nastyText}, Why: nastyText}
	member := wire.IncidentMember{About: nastyText, Name: nastyText, Severity: wire.Severity(nastyText), Since: at, Why: nastyText, Blame: blame, N: 9, Muted: []string{nastyText}}
	web := member
	web.About, web.Name = wire.AboutMonitor, "web"
	for id, state := range map[string]wire.IncidentState{"web-1234000000000000": wire.IncidentOpen, "web-2234000000000000": wire.IncidentResolved, "web-3234000000000000": wire.IncidentState(nastyText)} {
		publish("incidents."+id, wire.Incident{ID: id, State: state, Severity: wire.Severity(nastyText), Cause: wire.Cause{What: wire.CauseKind(nastyText), Name: nastyText}, Summary: nastyText, Opened: at, Decided: at, At: at, N: 1,
			Into: nastyText, Blame: blame, Members: []wire.IncidentMember{member, web}, Ack: &wire.Ack{By: nastyText, At: at, Text: nastyText}, Muted: []string{nastyText},
			Channels: []wire.ChannelState{{Channel: "hook", N: 1, Reason: wire.Reason(nastyText), Outcome: wire.SendOutcome(nastyText), At: at, Error: nastyText, Rule: nastyText}, {Channel: nastyText, Outcome: wire.Undelivered, At: at, Error: nastyText}},
			Log:      []wire.Entry{{At: at, What: wire.EntryKind(nastyText), By: nastyText, Text: nastyText}}})
		publish("deliveries.hook."+id, wire.Delivery{Channel: "hook", Incident: id, N: 1, Outcome: wire.SendOutcome(nastyText), Attempts: 2, At: at, Error: nastyText, Answer: nastyText, By: nastyText})
	}
	publish("incidents.odd", []byte(nasty))
	publish("channels.hook", wire.ChannelStatus{Channel: "hook", By: nastyText, At: at, Problem: nastyText, Backlog: 1})
	publish("channels.odd", wire.ChannelStatus{Channel: "odd", By: nastyText, At: at, Problem: nastyText, Backlog: 1})
	publish("verdicts.group.store", wire.GroupVerdict{Group: "store", State: wire.VerdictState(nastyText), Since: at, At: at, N: 1, Why: nastyText, Down: []string{nastyText}})
	saving := wire.Saving{Author: nastyText, Change: nastyText}
	for key, v := range map[string]any{
		"channel.hook": map[string]any{"name": "hook", "kind": "webhook", "url": nastyText, nastyText: nastyText, "author": nastyText, "change": nastyText},
		"rule.all":     wire.NoticeRule{Name: "all", To: []string{"hook"}, Saving: saving},
		"group.store":  wire.Group{Name: "store", Of: []string{"web"}, Saving: saving},
		"silence.s1":   wire.Silence{ID: "s1", From: at, Until: at.Add(time.Hour), Text: nastyText, Match: wire.Match{Tags: map[string]string{"a": "b"}}, Saving: saving},
		"window.w1":    wire.Window{Name: "w1", Weekly: "Sun 02:00-04:00", Saving: saving},
		"channel.bad":  []byte(nasty),
	} {
		publish("$KV."+wire.AlertingBucket+"."+key, v)
	}
}
