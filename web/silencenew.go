package web

import (
	"fmt"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

// newSilence is the form of a silence, as it was typed.
type newSilence struct {
	Monitors, Tags, Groups, Agents string
	From, For, Until, Text         string
	All                            bool // also where it chooses nothing now
	Zone, Who                      string
	Wrong                          map[string]string // by field
	Checked                        bool
	Matches                        string // what it chooses now
	Names                          string // of its monitors, of many the first
	Command                        string // that makes the same
	MostBytes                      int
}

const longestSilence = 366 * 24 * time.Hour

func showSilence(a *acting) (form, error) {
	f := typedSilence(a)
	if f.For == "" && f.Until == "" {
		f.For = "2h"
	}
	return f.form(), nil
}

func typedSilence(a *acting) newSilence {
	_ = a.value("monitor") // reads the query
	return newSilence{Monitors: strings.Join(a.r.Form["monitor"], " "), Tags: strings.Join(a.r.Form["tag"], " "), Groups: a.value("group"), Agents: a.value("agent"),
		From: a.value("from"), For: strings.TrimSpace(a.value("for")), Until: a.value("until"), Text: typed(a, "text"), All: a.value("all") != "", Zone: zoneText(a), Who: console.AuthorText(a.who.Name), MostBytes: wire.MaxText}
}

func (f newSilence) form() form {
	return form{title: "New silence", template: "silence-new", data: f}
}

// read is the silence that the form asks for, and every mistake in it.
func (f newSilence) read(a *acting, now time.Time) (s wire.Silence, lasts time.Duration, err error) {
	var p wire.Problems
	s = wire.Silence{Text: f.Text, Match: wire.Match{Monitors: listOf(f.Monitors), Groups: listOf(f.Groups), Agents: listOf(f.Agents)}}
	tags, err := console.ParseTags("tags", listOf(f.Tags), true)
	p.Add("", err)
	for _, e := range wire.FieldErrors(s.Match.Validate()) {
		p.Add(e.Path, e.Err)
	}
	s.Match.Tags = tags
	if len(f.Text) > wire.MaxText {
		p.Addf("text", "is %d bytes long: want at most %d", len(f.Text), wire.MaxText)
	}
	s.From, s.Until = readTime(a, &p, "from", now), readTime(a, &p, "until", now)
	from := s.From
	if from.IsZero() {
		from = now
	}
	switch {
	case f.For != "" && f.Until != "":
		p.Addf("until", "for and until both say when it ends: want one of them")
	case f.For == "" && f.Until == "":
		p.Addf("for", "is missing: want how long, such as 2h, or until when")
	case f.For != "":
		d, err := wire.ParseDuration(f.For)
		if err != nil || d < time.Second || d > longestSilence {
			p.Addf("for", "want 1s to 366d, such as 2h, got %q", wire.Clip(f.For, wire.MaxToken))
		}
		lasts = d
	case !s.Until.IsZero() && !s.Until.After(from):
		p.Addf("until", "want a time after %s, got %q", stamp(from), wire.Clip(f.Until, wire.MaxToken))
	}
	if s.Match.Empty() && !f.All && p.Err() == nil {
		p.Addf("monitors", "mute what? give names of monitors, tags, groups or agents; to mute everything, say so below")
	}
	return s, lasts, p.Err()
}

func doSilence(a *acting) (outcome, error) {
	f := typedSilence(a)
	s, lasts, err := f.read(a, time.Now())
	if err != nil {
		return outcome{}, f.again(err)
	}
	chosen, err := a.who.Client.Choose(a, s.Match)
	if err != nil {
		return outcome{}, f.again(err)
	}
	f.Command = silenceCommand(s, f.For)
	if chosen.Empty() && !f.All {
		return outcome{}, f.again(&wire.FieldError{Path: "monitors", Err: fmt.Errorf("%s chooses nothing that is saved or open now: look at the names, or say below that you mean it", console.MatchText(s.Match))})
	}
	if f.Matches, f.Names = chosen.String(), console.Printable(console.ShortList(chosen.Monitors, 12)); a.value("do") == "check" {
		f.Checked = true
		return outcome{}, f.again(nil)
	}
	o, err := a.who.Ops.SaveSilence(a, s, lasts)
	if err != nil {
		return outcome{}, f.again(err)
	}
	a.s.past.forget("silences")
	return outcome{Title: "Silenced", Lines: []string{console.Printable(o.Head()), "matches now: " + console.Printable(chosen.String()), "the same by hand: " + f.Command}, Next: "/silences", Word: "All silences"}, nil
}

// again is the form with what is wrong beside the fields.
func (f newSilence) again(err error) error {
	if err != nil {
		f.Wrong = beside(err)
	}
	return &again{f.form(), err}
}
