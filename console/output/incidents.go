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
			{Title: "ID", Cell: func(x wire.Incident) string {
				if s := short[x.ID]; s != "" {
					return s
				}
				return x.ID
			}},
			{Title: "SEVERITY", Cell: func(x wire.Incident) string { return string(x.Severity) }},
			{Title: "STATE", Cut: Place, Cell: func(x wire.Incident) string { return console.IncidentWord(&x, short) }},
			{Title: "SINCE", Cell: func(x wire.Incident) string { return incidentSince(&x, now) }},
			{Title: "MEMBERS", Cell: func(x wire.Incident) string { return console.MembersText(&x) }},
			{Title: "NOTIFIED", Cut: Place, Cell: func(x wire.Incident) string { return console.NotifiedText(&x) }},
			{Title: "SUMMARY", Cut: Prose, Cell: func(x wire.Incident) string { return console.SummaryText(&x) }},
		},
		Wide: []column{
			{Title: "INCIDENT", Cell: func(x wire.Incident) string { return x.ID }},
			{Title: "OPENED", Time: func(x wire.Incident) time.Time { return x.Opened }},
			{Title: "RESOLVED", Time: func(x wire.Incident) time.Time { return x.Resolved }},
			{Title: "CAUSE", Cell: func(x wire.Incident) string { return console.CauseText(x.Cause) }},
			{Title: "ACKNOWLEDGED", Cell: func(x wire.Incident) string {
				if x.Ack == nil {
					return ""
				}
				return console.AuthorText(x.Ack.By) + ": " + x.Ack.Text
			}},
		}}
}

// incidentSince is how long an incident is open, or how long it was.
func incidentSince(x *wire.Incident, now time.Time) string {
	if x.State == wire.IncidentOpen {
		return console.SinceText(x.Opened, now)
	}
	if x.Resolved.IsZero() {
		return "opened " + console.Ago(x.Opened)
	}
	return console.Lasting(x.Resolved.Sub(x.Opened)) + ", ended " + console.Ago(x.Resolved)
}
