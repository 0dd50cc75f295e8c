package output

import (
	"time"

	"netmon/console"
	"netmon/wire"
)

// Incidents lists incidents. short are their ids as people read them.
func Incidents(list []wire.Incident, short map[string]string, none string) Listing[wire.Incident] {
	now := time.Now()
	type column = Column[wire.Incident]
	return Listing[wire.Incident]{Kind: "Incidents", Items: list, None: none,
		Name: func(x wire.Incident) string { return x.ID },
		Columns: []column{
			{"ID", func(x wire.Incident) string {
				if s := short[x.ID]; s != "" {
					return s
				}
				return x.ID
			}},
			{"SEVERITY", func(x wire.Incident) string { return string(x.Severity) }},
			{"STATE", func(x wire.Incident) string { return console.IncidentWord(&x, short) }},
			{"SINCE", func(x wire.Incident) string { return incidentSince(&x, now) }},
			{"MEMBERS", func(x wire.Incident) string { return console.MembersText(&x) }},
			{"TOLD", func(x wire.Incident) string { return console.ToldText(&x) }},
			{"SUMMARY", func(x wire.Incident) string { return console.SummaryText(&x) }},
		},
		Wide: []column{
			{"INCIDENT", func(x wire.Incident) string { return x.ID }},
			{"OPENED", func(x wire.Incident) string { return x.Opened.UTC().Format(time.RFC3339) }},
			{"RESOLVED", func(x wire.Incident) string {
				if x.Resolved.IsZero() {
					return ""
				}
				return x.Resolved.UTC().Format(time.RFC3339)
			}},
			{"CAUSE", func(x wire.Incident) string { return console.CauseText(x.Cause) }},
			{"ACKNOWLEDGED", func(x wire.Incident) string {
				if x.Ack == nil {
					return ""
				}
				return x.Ack.By + ": " + x.Ack.Text
			}},
		}}
}

// incidentSince is how long an incident is open, or how long it was.
func incidentSince(x *wire.Incident, now time.Time) string {
	if x.State == wire.IncidentOpen {
		return console.SinceText(x.Opened, now)
	}
	text := console.Moment(x.Opened, now)
	if !x.Resolved.IsZero() {
		text += " for " + console.Lasting(x.Resolved.Sub(x.Opened))
	}
	return text
}
