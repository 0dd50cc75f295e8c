package prompt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/wire"
)

func incidentList(list ...*wire.Incident) console.IncidentList {
	l := console.IncidentList{Read: true, All: list, Short: map[string]string{}}
	for _, x := range list {
		l.Short[x.ID] = x.ID
		if x.State == wire.IncidentOpen {
			l.Open++
		}
	}
	return l
}

func TestPrompt_TellsIncidents(t *testing.T) {
	d := newDesk(t)
	said := func() string {
		d.beat()
		text := strings.Join(d.m.lines, "\n")
		d.m.lines = nil
		return text
	}
	said()
	old := &wire.Incident{ID: "old", State: wire.IncidentOpen, Severity: wire.SeverityDown, Summary: "db is down", Opened: time.Now()}
	d.snap.Incidents = incidentList(old)
	if text := said(); !strings.Contains(text, "1 incident is open: old down for 0s: db is down") || strings.Contains(text, "opened") {
		t.Errorf("at the beginning: %q", text)
	}
	if text := said(); text != "" {
		t.Errorf("told twice: %q", text)
	}
	web := &wire.Incident{ID: "web", State: wire.IncidentOpen, Severity: wire.SeverityDown, Summary: "web is down\x1b[2J"}
	d.snap.Incidents = incidentList(web, old)
	if text := said(); !strings.Contains(text, `✕ incident web opened: web is down\x1b[2J`) || strings.Contains(text, "incident old") {
		t.Errorf("opened: %q", text)
	}
	over := *web
	over.State, over.Resolved = wire.IncidentResolved, over.Opened.Add(time.Minute)
	d.snap.Incidents = incidentList(old, &over)
	if text := said(); !strings.Contains(text, "● incident web resolved after 1m00s") {
		t.Errorf("resolved: %q", text)
	}
	d.m.o.Stream.SetMode(Off)
	again := *old
	again.Ack = &wire.Ack{By: "ada", At: time.Now()}
	d.snap.Incidents = incidentList(&again, &over)
	if text := said(); text != "" {
		t.Errorf("turned off: %q", text)
	}
	d.m.o.Stream.SetMode(All)
	if text := said(); text != "" {
		t.Errorf("what came while it was off is told later: %q", text)
	}
}

// TestPrompt_IncidentsFlood tells of a few, and how many more there are.
func TestPrompt_IncidentsFlood(t *testing.T) {
	d := newDesk(t)
	d.snap.Incidents = incidentList()
	d.beat()
	d.m.lines = nil
	var list []*wire.Incident
	for n := range 5000 {
		list = append(list, &wire.Incident{ID: fmt.Sprintf("i%05d", n), State: wire.IncidentOpen, Severity: wire.SeverityDown, Summary: "it is down"})
	}
	d.snap.Incidents = incidentList(list...)
	d.m.beat(d.m.incidents.begun.Add(100 * time.Millisecond))
	if n := len(d.m.lines); n != incidentsPerSecond {
		t.Errorf("%d lines at once", n)
	}
	d.m.lines = nil
	d.m.beat(d.m.incidents.begun.Add(1100 * time.Millisecond))
	if text := strings.Join(d.m.lines, "\n"); !strings.Contains(text, "… 4,990 more incident changes") {
		t.Errorf("%q", text)
	}
}
