package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"netmon/console"
	"netmon/wire"
)

const (
	endedOver  = 7 * 24 * time.Hour // silences that ended are listed for so long
	endedShown = 50
)

// silencesView is the page of silences and maintenance windows.
type silencesView struct {
	Problem string
	Groups  []silenceGroup
	Windows []windowView
	All     int
}

type silenceGroup struct {
	ID, Title string
	Rows      []silenceView
	More      int
}

type silenceView struct {
	ID, Mutes, From, Until, Author, Why string
	Active, Ends                        bool
}

type windowView struct {
	Name, When, Mutes string
	Open              bool
	Next              string // when that changes
	Never             bool   // it does not open again
}

// silencesPage answers with the silences, as of now.
func (s *Server) silencesPage(w http.ResponseWriter, r *http.Request) {
	got, err := s.past.ask(r.Context(), "silences", 3*time.Second, func(ctx context.Context) (any, error) {
		list, err := s.o.Archive.ListSettings(ctx, wire.SortSilence, wire.SortWindow)
		if len(list) > 0 {
			err = nil // what can be read is shown
		}
		return list, err
	})
	if err != nil {
		s.inner(w, r, http.StatusOK, "silences", "Silences", "silences", silencesView{Problem: "Silences cannot be read: " + console.Printable(err.Error())})
		return
	}
	s.inner(w, r, http.StatusOK, "silences", "Silences", "silences", silencesOf(got.([]wire.Setting), time.Now()))
}

func silencesOf(list []wire.Setting, now time.Time) silencesView {
	v := silencesView{Groups: []silenceGroup{{ID: "active", Title: "Active"}, {ID: "coming", Title: "Upcoming"}, {ID: "ended", Title: "Ended in the last 7 days"}}}
	var silences []*wire.Silence
	for _, x := range list {
		switch x := x.(type) {
		case *wire.Silence:
			silences = append(silences, x)
		case *wire.Window:
			v.Windows = append(v.Windows, windowOf(x, now))
		}
	}
	silences = console.SilencesByEnd(silences)
	for i := range v.Groups {
		g := &v.Groups[i]
		of := silences
		if g.ID == "ended" { // the newest first
			of = slices.Clone(of)
			slices.Reverse(of)
		}
		for _, x := range of {
			state := console.SilenceState(x, now)
			if state != g.ID || state == "ended" && now.Sub(x.Until) > endedOver {
				continue
			}
			if g.ID == "ended" && len(g.Rows) == endedShown {
				g.More++
				continue
			}
			g.Rows = append(g.Rows, silenceView{ID: console.Printable(x.ID), Mutes: console.Printable(console.MatchText(x.Match)), From: stamp(x.From), Until: stamp(x.Until),
				Author: console.AuthorText(x.Author), Why: console.Printable(x.Text), Active: state == "active", Ends: state != "ended"})
			v.All++
		}
	}
	return v
}

func windowOf(x *wire.Window, now time.Time) windowView {
	open, next := x.Next(now)
	return windowView{Name: console.Printable(x.Name), When: console.Printable(console.WindowText(x)), Mutes: console.Printable(console.MatchText(x.Match)), Open: open, Next: stamp(next), Never: !open && next.IsZero()}
}

// silenceActions are what operators do about silences.
func silenceActions() []action {
	return []action{
		{path: "/silences/new", page: "silences", role: wire.RoleOperator, show: showSilence, do: doSilence},
		{path: "/silences/{id}/end", page: "silences", role: wire.RoleOperator, show: showEnd, do: doEnd},
	}
}

// endView is what the form that ends a silence is given.
type endView struct {
	silenceView
	State, Command, Who string
}

func showEnd(a *acting) (form, error) {
	id := a.r.PathValue("id")
	store, err := a.who.Client.Settings(a)
	if err != nil {
		return form{}, err
	}
	x, err := store.Get(a, wire.SortSilence, id)
	if err != nil {
		return form{}, err
	}
	s, ok := x.(*wire.Silence)
	if !ok {
		return form{}, errAbsent
	}
	state := console.SilenceState(s, time.Now())
	if state == "ended" {
		return form{}, fmt.Errorf("silence %s ended already: %w", id, errOver)
	}
	v := endView{silenceView: silenceView{ID: console.Printable(s.ID), Mutes: console.Printable(console.MatchText(s.Match)), From: stamp(s.From), Until: stamp(s.Until), Author: console.AuthorText(s.Author), Why: console.Printable(s.Text)},
		State: state, Command: "netmon silence end " + console.Printable(s.ID), Who: console.AuthorText(a.who.Name)}
	return form{title: "End silence " + v.ID, template: "silence-end", data: v}, nil
}

func doEnd(a *acting) (outcome, error) {
	id := a.r.PathValue("id")
	if err := wire.CheckToken(id); err != nil {
		return outcome{}, fmt.Errorf("no silence has that id: %w", errAbsent)
	}
	o, err := a.who.Ops.EndSilence(a, id)
	if err != nil {
		return outcome{}, err
	}
	a.s.past.forget("silences")
	return outcome{Title: "Silence " + console.Printable(id) + " is over", Lines: []string{console.Printable(o.Head())}, Next: "/silences", Word: "All silences"}, nil
}

// tagTexts are tags as people write them, by name.
func tagTexts(tags map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, name+"="+tags[name])
	}
	return list
}
