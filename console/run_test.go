package console_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/need"
	"netmon/wire"
)

// said is what agents answered, a line for each.
func said(ran []console.Ran) (lines []string) {
	for _, r := range ran {
		for _, t := range r.Tallies {
			what := ""
			switch a := t.Last; {
			case a.Err != nil:
				what = a.Err.Error()
			default:
				what = string(a.Result.Outcome)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", r.Monitor, t.Agent, what))
		}
	}
	return lines
}

// TestOps_Run: each agent where a monitor runs answers, or is listed.
func TestOps_Run(t *testing.T) {
	need.Time(t)
	m := newOpsMesh(t)
	ctx := t.Context()
	m.agent("paris", map[string]string{"region": "eu"})
	m.refuser("rome")
	m.plays("oslo", wire.Refuse("oslo", wire.Error{Code: wire.CodeInvalid, Field: "op", Message: `unknown op "run": one of [start stop]`}))
	m.plays("lima", wire.Reply{Agent: "lima", Monitors: []wire.MonitorReply{{Name: "web", State: wire.Absent, Errors: []wire.Error{{Code: wire.CodeInvalid, Message: "no"}}}}})
	m.plays("mute", wire.Reply{OK: true, Agent: "mute", Monitors: []wire.MonitorReply{{Name: "other", State: wire.Asked}}})
	m.plays("deaf", wire.Reply{OK: true, Agent: "deaf", Monitors: []wire.MonitorReply{{Name: "web", State: wire.Asked}}})
	web := monitor("web", "paris", "rome", "oslo", "lima", "mute", "deaf", "away")
	db := monitor("db", "paris")
	web.Timeout, db.Timeout = wire.Duration(200*time.Millisecond), wire.Duration(200*time.Millisecond)
	paused := monitor("paused")
	paused.Paused = true
	for _, s := range []wire.Saved{web, db, paused} {
		_, err := m.Add(ctx, s)
		m.must(err)
	}
	var taken []string
	ran, err := m.Run(ctx, console.Runs{Monitors: []string{"web", "db", "web"}}, func(a console.Asked) { taken = append(taken, a.Monitor+" "+a.Agent) })
	m.must(err)
	want := []string{
		"web deaf gave no result within 3.6s",
		"web lima does not run it",
		"web mute does not say whether it runs it",
		`web oslo refused: op: its netmon does not know "run": update it there`,
		"web paris failed",
		"web rome refused: its policy says no",
		"db paris failed",
	}
	if got := said(ran); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if slices.Sort(taken); !slices.Equal(taken, []string{"db paris", "web deaf", "web lima", "web mute", "web oslo", "web paris", "web rome"}) {
		t.Errorf("taken %q", taken)
	}
	if w := ran[0]; !slices.Equal(w.Away, []string{"away"}) || w.Agents != 7 || w.Need != 7 || w.Fine() != 0 || w.Cut {
		t.Errorf("%+v", w)
	}
	ran, err = m.Run(ctx, console.Runs{Monitors: []string{"web"}, On: wire.Selectors{"region=eu", "nowhere"}, Need: 1}, nil)
	if got := said(ran); err != nil || !slices.Equal(got, []string{"web paris failed"}) || ran[0].Agents != 1 {
		t.Errorf("in europe: %q, %v", got, err)
	}

	for name, c := range map[string]struct {
		runs console.Runs
		want error
	}{
		"one that is not saved":     {console.Runs{Monitors: []string{"db", "nothing"}}, console.ErrNotFound},
		"one that is paused":        {console.Runs{Monitors: []string{"paused"}}, new(console.PausedError)},
		"where it does not run":     {console.Runs{Monitors: []string{"db"}, On: wire.Selectors{"rome"}}, console.ErrNoAgent},
		"more agents than it is on": {console.Runs{Monitors: []string{"db"}, Need: 2}, new(console.NeedError)},
	} {
		_, err := m.Run(ctx, c.runs, func(a console.Asked) { t.Errorf("%s: %+v", name, a) })
		if !errors.Is(err, c.want) && fmt.Sprintf("%T", first(err)) != fmt.Sprintf("%T", c.want) {
			t.Errorf("%s: %v (%T), want %T", name, err, first(err), c.want)
		}
	}

	cut, cancel := context.WithCancel(ctx)
	ran, err = m.Run(cut, console.Runs{Monitors: []string{"web"}}, func(a console.Asked) {
		if a.Agent == "paris" {
			cancel()
		}
	})
	if err != nil || !ran[0].Cut || !slices.Contains(said(ran), "web paris failed") {
		t.Errorf("interrupted: %+v, %v", ran, err)
	}
}

// first is the cause of an error that joins others.
func first(err error) error {
	for {
		switch x := err.(type) {
		case interface{ Unwrap() []error }:
			err = x.Unwrap()[0]
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		default:
			return err
		}
	}
}

// TestOps_Run_MoreThanMayBeAskedForAtOnce: it takes a moment longer.
func TestOps_Run_MoreThanMayBeAskedForAtOnce(t *testing.T) {
	m := newOpsMesh(t)
	m.agent("paris", nil)
	var names []string
	for i := range wire.MaxAsked + 5 {
		name := fmt.Sprintf("m%02d", i)
		_, err := m.Add(t.Context(), monitor(name, "paris"))
		m.must(err)
		names = append(names, name)
	}
	ran, err := m.Run(t.Context(), console.Runs{Monitors: names}, nil)
	m.must(err)
	for i, r := range ran {
		if r.Monitor != names[i] || len(r.Tallies) != 1 || r.Tallies[0].Last.Err != nil {
			t.Errorf("%+v", r)
		}
	}
}
