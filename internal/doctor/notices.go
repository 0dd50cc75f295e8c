package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/incident"
	"netmon/internal/plural"
	"netmon/wire"
)

// lately is how far back it counts that a notice was not delivered, and late how long
// one may be tried before that is worth a word.
const (
	lately = 24 * time.Hour
	late   = 10 * time.Minute
)

// examineNotices looks at who is notified when something is wrong.
func examineNotices(ctx context.Context, cl *console.Client, agents []console.Agent) []Finding {
	settings, err := cl.ListSettings(ctx)
	if err != nil && len(settings) == 0 {
		return []Finding{{"notices", Unknown, err.Error(), ""}}
	}
	var list []Finding
	if err != nil {
		list = append(list, Finding{"settings", Warning, err.Error(), "save it again, or delete it"})
	}
	channels, err := cl.Channels(ctx)
	if err != nil {
		return append(list, Finding{"notices", Unknown, err.Error(), ""})
	}
	list = append(list, examineChannels(channels, time.Now())...)
	if incidents, _, err := cl.Incidents(ctx, console.IncidentFilter{All: true, From: time.Now().Add(-lately)}); err == nil {
		list = append(list, examineUndelivered(incidents, time.Now())...)
	}
	if len(channels) == 0 {
		return list
	}
	monitors, err := monitorsOf(ctx, cl)
	if err != nil {
		return append(list, Finding{"rules", Unknown, err.Error(), ""})
	}
	return append(list, examineRules(settings, monitors, agents)...)
}

func monitorsOf(ctx context.Context, cl *console.Client) ([]wire.Saved, error) {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx)
	if len(list) > 0 {
		err = nil // one that cannot be read is reported elsewhere
	}
	return list, err
}

// examineChannels finds channels that nobody sends for, or that cannot be notified.
func examineChannels(channels []console.ChannelHealth, now time.Time) []Finding {
	if len(channels) == 0 {
		return []Finding{{"notices", OK, "no channel is saved: nobody is notified when something is wrong", "netmon docs alerts shows how to add one"}}
	}
	var list []Finding
	ready, used, nobody, deadman := 0, 0, 0, false
	for _, h := range channels {
		deadman = deadman || h.Kind == wire.KindDeadman && h.State != console.ChannelPaused
		switch h.State {
		case console.ChannelPaused:
			continue
		case console.ChannelReady:
			ready++
		case console.ChannelNobody:
			nobody++
			list = append(list, Finding{"channel " + h.Channel, Problem, h.StateText(now), console.NobodyNotifies})
		case console.ChannelDeleted:
			continue
		default:
			list = append(list, Finding{"channel " + h.Channel, Problem, h.StateText(now) + ", by " + h.By, "correct it on " + h.By + ", and check with netmon notify test " + h.Channel})
		}
		used++
	}
	switch {
	case nobody > 0 && nobody == used:
		list = []Finding{{"notices", Problem, fmt.Sprintf("NOBODY is notified of anything: no notifier sends for any of the %d saved channels", used), console.NobodyNotifies}}
	case ready == 0 && used > 0:
		list = append([]Finding{{"notices", Problem, fmt.Sprintf("NOBODY is notified of anything: the notifier can send by none of the %s: see below", plural.Count(used, "saved channel", "saved channels")), ""}}, list...)
	default:
		list = append([]Finding{{"notices", OK, fmt.Sprintf("notices can be sent to %d of %d channels", ready, used), ""}}, list...)
	}
	if !deadman {
		list = append(list, Finding{"dead-man", OK, "no channel of kind deadman is saved: if the whole mesh is down, nobody is notified", "docs/alerts.md describes it"})
	}
	return list
}

// examineUndelivered finds channels that could not be notified of something lately.
func examineUndelivered(incidents []wire.Incident, now time.Time) []Finding {
	type count struct {
		n    int
		last wire.ChannelState
		of   string
	}
	lost, slow := map[string]*count{}, map[string]*count{}
	for _, x := range incidents {
		for _, c := range x.Channels {
			of := lost
			switch {
			case c.Outcome == wire.Undelivered && now.Sub(c.At) <= lately:
			case c.Outcome == wire.Retrying && now.Sub(c.Decided) > late:
				of = slow
			default:
				continue
			}
			if of[c.Channel] == nil {
				of[c.Channel] = &count{}
			}
			k := of[c.Channel]
			if k.n++; c.At.After(k.last.At) || k.of == "" {
				k.last, k.of = c, x.ID
			}
		}
	}
	var list []Finding
	for name, k := range lost {
		list = append(list, Finding{"channel " + name, Warning, fmt.Sprintf("%s could not be delivered in the last day, the last one about %s: %s", plural.Count(k.n, "notice", "notices"), k.of, k.last.Error), "netmon notify test " + name + " shows what the other side says"})
	}
	for name, k := range slow {
		list = append(list, Finding{"channel " + name, Warning, fmt.Sprintf("%s not accepted for over %s, the last one about %s: %s", plural.Count(k.n, "notice", "notices"), console.Lasting(late), k.of, k.last.Error), "netmon notify test " + name + " shows what the other side says"})
	}
	slices.SortFunc(list, func(a, b Finding) int { return strings.Compare(a.Check+a.Found, b.Check+b.Found) })
	return list
}

// examineRules finds rules and windows that fit nothing, and what no rule fits.
func examineRules(settings []wire.Setting, monitors []wire.Saved, agents []console.Agent) []Finding {
	var rules []wire.NoticeRule
	var groups []wire.Group
	saved := map[string]bool{}
	for _, s := range settings {
		switch s := s.(type) {
		case *wire.NoticeRule:
			rules = append(rules, *s)
		case *wire.Group:
			groups = append(groups, *s)
		case *wire.Channel:
			saved[s.Name] = true
		}
	}
	subjects := subjectsOf(monitors, groups, agents)
	var list []Finding
	idle := func(what, name string, m *wire.Match) {
		if !slices.ContainsFunc(subjects, func(s incident.Subject) bool { s.Severity, s.Blame = "", ""; return incident.Fits(m, &s) }) {
			list = append(list, Finding{what + " " + name, Warning, "it matches nothing that is saved: " + console.MatchText(*m), "netmon get " + what + "s shows it; netmon edit " + what + " " + name + " changes it"})
		}
	}
	for _, s := range settings {
		switch s := s.(type) {
		case *wire.NoticeRule:
			idle("rule", s.Name, &s.Match)
			for _, name := range channelsOf(s) {
				if !saved[name] {
					list = append(list, Finding{"rule " + s.Name, Warning, fmt.Sprintf("it notifies channel %q, which is not saved", name), "netmon edit rule " + s.Name})
				}
			}
		case *wire.Window:
			idle("window", s.Name, &s.Match)
		}
	}
	if len(rules) == 0 {
		return list // every channel is notified of everything
	}
	var untold []string
	for i := range subjects {
		if len(incident.RulesFor(&subjects[i], rules)) == 0 {
			m := wire.IncidentMember{About: subjects[i].About, Name: subjects[i].Name}
			title := console.MemberTitle(&m)
			if m.About == wire.AboutMonitor {
				title = "monitor " + m.Name
			}
			untold = append(untold, title)
		}
	}
	if len(untold) > 0 {
		list = append(list, Finding{"rules", Warning, "nobody is notified when one of these is down or offline, since no rule matches: " + console.ShortList(untold, 6),
			"a rule without match is for what no other rule matches: {name: rest, to: [CHANNEL]}"})
	}
	return list
}

func channelsOf(r *wire.NoticeRule) []string {
	out := slices.Clone(r.To)
	for _, e := range r.Escalate {
		out = append(out, e.To...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// subjectsOf is what can be wrong, as if it were.
func subjectsOf(monitors []wire.Saved, groups []wire.Group, agents []console.Agent) (list []incident.Subject) {
	for i := range monitors {
		s := incident.MonitorSubject(&monitors[i], groups)
		s.Severity = wire.SeverityDown
		list = append(list, s)
	}
	add := func(about, name string, severity wire.Severity) {
		list = append(list, incident.MemberSubject(&wire.IncidentMember{About: about, Name: name, Severity: severity}, nil, groups))
	}
	for _, g := range groups {
		add(wire.AboutGroup, g.Name, wire.SeverityDown)
	}
	for _, a := range agents {
		add(wire.AboutAgent, a.Agent, wire.SeverityAgent)
	}
	add(wire.AboutBroker, "broker", wire.SeverityBroker)
	return list
}
