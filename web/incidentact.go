package web

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/shellwords"
	"netmon/console/view"
	"netmon/wire"
)

// errOver says that there is nothing to change about an incident any more.
var errOver = errors.New("there is nothing to take care of")

// incidentActions are what operators do about an incident.
func incidentActions() []action {
	return []action{
		{path: "/incidents/{id}/ack", page: "incidents", role: wire.RoleOperator, show: showAck, do: doAck},
		{path: "/incidents/{id}/unack", page: "incidents", role: wire.RoleOperator, show: showUnack, do: doUnack},
		{path: "/incidents/{id}/silence", page: "incidents", role: wire.RoleOperator, show: showMute, do: doMute},
	}
}

// aboutIncident is what the form of a change of an incident is given.
type aboutIncident struct {
	Do, Title  string
	ID, Short  string
	Summary    string
	Who        string // in whose name
	Text       string // that was typed
	Until      string // that was typed
	For        string // that was chosen
	Lasts      []string
	Matches    []string // what would be muted
	Wrong      map[string]string
	Command    string
	Zone       string // of times that say none
	MostBytes  int
	AckedBy    string
	WhatComes  string // of it
	NeedsTimes bool
}

// lastsOf are for how long an incident is silenced by one choice.
var lastsOf = []string{"1h", "4h", "1d"}

// openIncident is the incident of a request, which is open.
func openIncident(a *acting) (*wire.Incident, aboutIncident, error) {
	id := a.r.PathValue("id")
	l := a.s.awake(a).Snapshot(view.Query{Limit: 1}).Incidents
	x := l.Named(id)
	if x == nil {
		return nil, aboutIncident{}, fmt.Errorf("no incident %q is known: %w", wire.Clip(id, wire.MaxToken), errAbsent)
	}
	if x.State != wire.IncidentOpen {
		return nil, aboutIncident{}, fmt.Errorf("incident %s is %s: %w", l.Short[id], x.State, errOver)
	}
	about := aboutIncident{ID: id, Short: console.Printable(l.Short[id]), Summary: console.SummaryText(x), Who: console.AuthorText(a.who.Name),
		Text: a.value("text"), Until: a.value("until"), For: a.value("for"), Lasts: lastsOf, MostBytes: wire.MaxText, Zone: zoneText(a)}
	if x.Ack != nil {
		about.AckedBy = console.AuthorText(x.Ack.By)
	}
	return x, about, nil
}

func incidentForm(about aboutIncident) form {
	return form{title: about.Title, template: "incident-act", data: about}
}

func showAck(a *acting) (form, error) {
	_, about, err := openIncident(a)
	about.Do, about.Title = "Acknowledge", "Acknowledge incident "+about.Short
	about.WhatComes = "Nobody is notified again, and nothing escalates, until it gets worse. Whoever was notified of it hears that you take care of it."
	about.Command = "netmon ack " + about.Short + " -m TEXT"
	return incidentForm(about), err
}

func doAck(a *acting) (outcome, error) {
	x, about, err := openIncident(a)
	if err != nil {
		return outcome{}, err
	}
	o, err := a.who.Ops.Ack(a, x.ID, typed(a, "text"))
	return about.outcome([]string{o.Head()}, err)
}

func showUnack(a *acting) (form, error) {
	x, about, err := openIncident(a)
	if err == nil && x.Ack == nil {
		err = fmt.Errorf("incident %s is not acknowledged: %w back", about.Short, errOver)
	}
	about.Do, about.Title = "Take back", "Take back the acknowledgement of incident "+about.Short
	about.WhatComes = "Notices are repeated and escalated again, as if nobody had acknowledged it."
	about.Command = "netmon unack " + about.Short
	return incidentForm(about), err
}

func doUnack(a *acting) (outcome, error) {
	x, about, err := openIncident(a)
	if err != nil {
		return outcome{}, err
	}
	o, err := a.who.Ops.Unack(a, x.ID)
	return about.outcome([]string{o.Head()}, err)
}

func showMute(a *acting) (form, error) {
	x, about, err := openIncident(a)
	if err != nil {
		return form{}, err
	}
	list, err := console.SilencesOf(x, time.Hour, "", time.Now())
	if err != nil {
		return form{}, err
	}
	return muteForm(about, list), nil
}

func muteForm(about aboutIncident, list []wire.Silence) form {
	about.Do, about.Title, about.NeedsTimes = "Silence", "Silence incident "+about.Short, true
	about.WhatComes = "Nobody is notified of it meanwhile; monitors keep running. When the silence ends, notices of what is wrong then are sent."
	if about.For == "" {
		about.For = lastsOf[0]
	}
	var commands []string
	for _, s := range list {
		about.Matches = append(about.Matches, console.Printable(console.MatchText(s.Match)))
		commands = append(commands, silenceCommand(wire.Silence{Match: s.Match}, about.For))
	}
	about.Command = strings.Join(commands, "\n")
	return incidentForm(about)
}

func doMute(a *acting) (outcome, error) {
	x, about, err := openIncident(a)
	if err != nil {
		return outcome{}, err
	}
	now := time.Now()
	var p wire.Problems
	lasts, until := time.Hour, time.Time{}
	switch {
	case about.For == "until":
		until = readTime(a, &p, "until", now)
		if about.Until == "" {
			p.Addf("until", "is missing: want a time such as 22:00, or \"tomorrow 08:00\"")
		}
	case slices.Contains(lastsOf, about.For):
		d, _ := wire.ParseDuration(about.For) // it is one of ours
		lasts = d
	default:
		p.Addf("for", "want one of %s, or until, got %q", strings.Join(lastsOf, ", "), wire.Clip(about.For, wire.MaxToken))
	}
	if !until.IsZero() && !until.After(now) {
		p.Addf("until", "want a time in the future, got %q", wire.Clip(about.Until, wire.MaxToken))
	}
	list, err := console.SilencesOf(x, lasts, typed(a, "text"), now)
	if err != nil {
		return outcome{}, err
	}
	if err := p.Err(); err != nil {
		about.Wrong = beside(err)
		return outcome{}, &again{muteForm(about, list), err}
	}
	var done []string
	for _, s := range list {
		s.From, s.Until = time.Time{}, until // the broker's clock says when it begins
		o, err := a.who.Ops.SaveSilence(a, s, lasts)
		if err != nil {
			about.Wrong = beside(err)
			return outcome{}, &again{muteForm(about, list), partly(done, err)}
		}
		done = append(done, console.Printable(o.Head()))
	}
	a.s.past.forget("silences")
	return about.outcome(done, nil)
}

// partly is an error of which a part was done before.
func partly(done []string, err error) error {
	if len(done) == 0 {
		return err
	}
	return fmt.Errorf("%s; then: %w", strings.Join(done, "; "), err)
}

func (about *aboutIncident) outcome(lines []string, err error) (outcome, error) {
	if err != nil {
		return outcome{}, err
	}
	for i := range lines {
		lines[i] = console.Printable(lines[i])
	}
	title := lines[0]
	if len(lines) == 1 {
		lines = nil
	}
	return outcome{Title: strings.ToUpper(title[:1]) + title[1:], Lines: lines, Next: "/incidents/" + url.PathEscape(about.ID), Word: "To the incident"}, nil
}

// typed is a text of a form, on one line's ends.
func typed(a *acting, name string) string {
	return strings.TrimSpace(strings.ReplaceAll(a.value(name), "\r\n", "\n"))
}

// silenceCommand is the command that makes a silence.
func silenceCommand(s wire.Silence, lasts string) string {
	words := append([]string{"netmon", "silence"}, s.Match.Monitors...)
	add := func(flag string, values ...string) {
		for _, v := range values {
			words = append(words, flag, v)
		}
	}
	add("--group", s.Match.Groups...)
	add("--agent", s.Match.Agents...)
	for _, t := range tagTexts(s.Match.Tags) {
		add("--tag", t)
	}
	if s.Match.Empty() {
		words = append(words, "--all")
	}
	if !s.From.IsZero() {
		add("--from", stamp(s.From))
	}
	if s.Until.IsZero() {
		add("--for", lasts)
	} else {
		add("--until", stamp(s.Until))
	}
	if s.Text != "" {
		add("-m", s.Text)
	}
	return console.PrintableText(shellwords.Join(words))
}
