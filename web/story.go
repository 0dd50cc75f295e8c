package web

import (
	"regexp"
	"strings"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// eventsShown is how many things that happened a page lists: of more the first and the last.
const eventsShown = 100

// storyBody is all of an incident.
type storyBody struct {
	ID, Short      string
	State          stateView
	Title          string
	Severity, Word string
	Since, Until   string
	Lasted         string // of one that is over
	Open, Acked    bool
	Ack, Blame     string
	Cause          string
	Members        string

	events, members, notices string // a line each
}

// piece is a part of a line: text, or a time.
type piece struct{ Text, Time string }

var stamped = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// timed takes the times out of a line, so that each reader sees them in the own zone.
func timed(line string) (list []piece) {
	at := 0
	for _, m := range stamped.FindAllStringIndex(line, -1) {
		list = append(list, piece{Text: line[at:m[0]]}, piece{Time: line[m[0]:m[1]]})
		at = m[1]
	}
	return append(list, piece{Text: line[at:]})
}

func timedLines(text string) (list [][]piece) {
	for _, l := range split(text) {
		list = append(list, timed(l))
	}
	return list
}

// MemberLines are its members.
func (b storyBody) MemberLines() [][]piece { return timedLines(b.members) }

// NoticeLines are the channels, and what became of their newest notices.
func (b storyBody) NoticeLines() [][]piece { return timedLines(b.notices) }

// AckText says who acknowledged it.
func (b storyBody) AckText() []piece { return timed(b.Ack) }

// eventView is one thing that happened.
type eventView struct{ At, What, Class, Text string }

// Events are what happened, the oldest first.
func (b storyBody) Events() (list []eventView) {
	for _, l := range split(b.events) {
		at, rest, _ := strings.Cut(l, "\t")
		what, text, _ := strings.Cut(rest, "\t")
		e := eventView{At: at, What: what, Text: text}
		switch wire.EntryKind(what) {
		case wire.EntryOpened, wire.EntryUndelivered:
			e.Class = "bad"
		case wire.EntryResolved:
			e.Class = "good"
		case wire.EntryAcknowledged, wire.EntryMuted:
			e.Class = "mine"
		}
		list = append(list, e)
	}
	return list
}

// incidentOf is the page of one incident.
func incidentOf(m Model, id string) (frame, error) {
	sn := m.Snapshot(view.Query{Limit: 1, Incident: id})
	x := sn.Incidents.Named(id)
	if x == nil {
		return frame{}, errAbsent
	}
	short := console.Printable(sn.Incidents.Short[id])
	b := storyBody{ID: console.Printable(x.ID), Short: short, State: incidentState(x), Title: console.SummaryText(x), Severity: console.Printable(string(x.Severity)), Word: console.IncidentWord(x, sn.Incidents.Short),
		Since: stamp(x.Opened), Open: x.State == wire.IncidentOpen, Acked: x.Ack != nil, Members: console.MembersText(x), Cause: console.Printable(console.CauseText(x.Cause))}
	if !b.Open {
		b.Until, b.Lasted = stamp(x.Resolved), lasted(x)
	}
	if x.Ack != nil {
		b.Ack = "Acknowledged by " + console.AuthorText(x.Ack.By) + " at " + stamp(x.Ack.At)
		if x.Ack.Text != "" {
			b.Ack += ": " + console.Printable(x.Ack.Text)
		}
	}
	if x.Blame != nil {
		if b.Blame = console.BlameText(x.Blame); x.Blame.Why != "" {
			b.Blame += ": " + console.Printable(x.Blame.Why)
		}
	}
	b.events, b.members, b.notices = eventLines(x), memberLines(x), noticeLines(x, sn.Deliveries)
	return frame{title: "Incident " + short, parts: []part{linkOf(m, sn), {ID: "story", Shape: "story", Body: b}}}, nil
}

func eventLines(x *wire.Incident) string {
	var lines []string
	for i := range x.Log {
		if n := len(x.Log); n > eventsShown && i >= eventsShown/4 && i < n-(eventsShown-eventsShown/4) {
			continue
		}
		e := &x.Log[i]
		what := oneWord(string(e.What))
		lines = append(lines, stamp(e.At)+"\t"+what+"\t"+oneLine(strings.TrimPrefix(console.EntryText(e), console.Printable(string(e.What)))))
	}
	return strings.Join(lines, "\n")
}

// oneWord is a word of a list of ours, as others wrote it.
func oneWord(text string) string {
	return strings.ReplaceAll(oneLine(text), "\t", " ")
}

func memberLines(x *wire.Incident) string {
	var lines []string
	for i := range x.Members {
		lines = append(lines, oneLine(console.MemberText(&x.Members[i], stamp)))
	}
	return strings.Join(lines, "\n")
}

func noticeLines(x *wire.Incident, deliveries []wire.Delivery) string {
	of := map[string]*wire.Delivery{}
	for i := range deliveries {
		of[deliveries[i].Channel] = &deliveries[i]
	}
	var lines []string
	for i := range x.Channels {
		c := &x.Channels[i]
		lines = append(lines, oneLine(console.ChannelText(c, of[c.Channel], stamp)))
	}
	return strings.Join(lines, "\n")
}
