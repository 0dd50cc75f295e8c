package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/wire"
)

// headBody is what a monitor is, and how it is.
type headBody struct {
	Name, What string
	State      stateView
	Why        string
	Since      string // RFC 3339; "" where it is not known
	Meta       string
	tags       string // a line each
	lines      string // what the verdict rests on
}

// tagView is a tag, and the address of the monitors that have it.
type tagView struct{ Text, Path string }

// Tags are its tags, by name.
func (b headBody) Tags() (list []tagView) {
	for _, t := range split(b.tags) {
		list = append(list, tagView{t, "/?" + url.Values{"q": {tagFilter(t)}}.Encode()})
	}
	return list
}

// tagFilter is the filter that leaves the monitors with a tag: of a value of several words
// its name alone, since a filter is words.
func tagFilter(tag string) string {
	if name, _, _ := strings.Cut(tag, "="); strings.ContainsAny(tag, " \t") {
		return "tag:" + name
	}
	return "tag:" + tag
}

// Lines are what the verdict rests on.
func (b headBody) Lines() []string { return split(b.lines) }

// onAgentBody is the monitor on one agent.
type onAgentBody struct {
	Agent string
	State stateView
	Word  string // its share in the verdict, or its state
	Text  string
	Here  bool
}

type phaseView struct {
	Name, Took string
	From, Wide string // of 100, for the bar
}

// Phases are the phases of the newest run, each where it stands in the whole.
func (p *part) Phases() (list []phaseView) {
	var all []time.Duration
	var names []string
	var sum time.Duration
	for _, l := range split(p.Line) {
		name, text, _ := strings.Cut(l, "\t")
		d, err := time.ParseDuration(text)
		if err != nil {
			continue
		}
		names, all, sum = append(names, name), append(all, d), sum+d
	}
	if sum <= 0 {
		return nil
	}
	at := time.Duration(0)
	for i, d := range all {
		list = append(list, phaseView{names[i], console.Short(d), fmt.Sprintf("%.1f", 100*float64(at)/float64(sum)), fmt.Sprintf("%.1f", max(0.5, 100*float64(d)/float64(sum)))})
		at += d
	}
	return list
}

type failuresBody struct{ list string }

type failureView struct{ At, Text string }

// List are the failures, the newest first.
func (b failuresBody) List() (out []failureView) {
	for _, l := range split(b.list) {
		at, text, _ := strings.Cut(l, "\t")
		out = append(out, failureView{at, text})
	}
	return out
}

// actsBody is what can be done with the monitor. It is the same for all readers.
type actsBody struct {
	Name          string
	Saved, Paused bool
}

// failuresMost is how many failures a page lists.
const failuresMost = 12

// monitor is the page of one monitor, but for what history says of it.
func monitorOf(m Model, name string) (frame, error) {
	sn := m.Snapshot(view.Query{Names: []string{name}, Detail: name, Calm: true})
	d := sn.Detail
	if d == nil {
		return frame{}, errAbsent
	}
	b := headBody{Name: d.Name, What: kindText(d.Kind, d.Target), State: stateOf(d.State), Why: reason(&d.Row), Since: stamp(d.Since), Meta: metaText(d)}
	if d.Verdict != nil {
		b.lines = strings.Join(console.VerdictLines(d.Verdict, sn.At), "\n")
	}
	if d.Saved != nil {
		var tags []string
		for _, t := range tagTexts(d.Saved.Tags) {
			tags = append(tags, oneLine(t))
		}
		b.tags = strings.Join(tags, "\n")
	}
	f := frame{title: d.State.Mark() + " " + d.Name, parts: []part{linkOf(m, sn), {ID: "head", Shape: "monitor-head", Body: b}, {ID: "acts", Shape: "monitor-acts", Body: actsBody{d.Name, d.Saved != nil, d.Saved != nil && d.Saved.Paused}}}}
	for i := range d.Agents {
		f.parts = append(f.parts, onAgent(&d.Agents[i], sn.At))
	}
	var phases, fails []string
	for _, p := range d.Phases {
		phases = append(phases, console.Printable(p.Name)+"\t"+p.Took.String())
	}
	for _, x := range d.Failures[:min(len(d.Failures), failuresMost)] {
		fails = append(fails, stamp(x.At)+"\t"+oneLine(fmt.Sprintf("%s %s: %s", x.Agent, x.Reason, x.Error)))
	}
	f.parts = append(f.parts, part{ID: "phases", Shape: "phases", Body: console.Printable(d.On), Line: strings.Join(phases, "\n")}, part{ID: "fails", Shape: "failures", Body: failuresBody{strings.Join(fails, "\n")}})
	return f, nil
}

func onAgent(a *view.OnAgent, now time.Time) part {
	b := onAgentBody{Agent: console.Printable(a.Agent), State: stateOf(a.State), Word: a.Share.String(), Here: a.Wanted}
	if b.Word == "" {
		b.Word = a.State.String()
	}
	var text []string
	for _, t := range []string{a.Why, a.Summary, a.Address} {
		if t != "" {
			text = append(text, oneLine(t))
		}
	}
	b.Text = strings.Join(text, " · ")
	p := part{ID: "o-" + a.Agent, Shape: "on-agent", Listed: true, Cells: [cellsMost]Figured{orNone(sinceText(a.At, now)), latencyText(a.Last), latencyText(a.P50), latencyText(a.P95), percentText(a.Loss), certText(a.CertDays)}}
	p.Line, b.Text = b.Text, "" // it changes with each run
	p.Body = b
	return p
}

func certText(f view.Figure) string {
	if !f.OK {
		return none
	}
	return plural.Count(int(f.V), "day", "days")
}

func metaText(d *view.Detail) string {
	list := []string{"every " + wire.Duration(d.Every).String()}
	if d.Saved == nil {
		return strings.Join(append(list, "started by hand, not saved"), " · ")
	}
	on := "all agents"
	if len(d.Saved.Agents) > 0 {
		on = d.Saved.Agents.String()
	}
	list = append(list, "on "+console.Printable(on))
	if len(d.Saved.DependsOn) > 0 {
		list = append(list, "depends on "+console.Printable(strings.Join(d.Saved.DependsOn, ", ")))
	}
	return strings.Join(list, " · ")
}

// stamp is a time for a page, which shows it in the zone of its reader.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func oneLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return console.Printable(line)
}
