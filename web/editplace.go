package web

import (
	"context"
	"errors"
	"fmt"

	"netmon/console"
	"netmon/console/shellwords"
	"netmon/wire"
)

// askView is what a page that asks one thing about a monitor is given.
type askView struct {
	Name     string
	Title    string
	Text     []string
	Button   string
	Bad      bool       // it takes something away
	On       *fieldView // agents, where that can be chosen
	Known    []knownView
	Depend   string // what depends on it, where that was not agreed to yet
	Revision uint64
	Lines    []diffLine
	To       uint64
	Back     string
}

// ask is a page that asks one thing about the monitor of the path.
func ask(a *acting, what func(m wire.Saved, v *askView)) (form, error) {
	store, err := a.who.Client.Monitors(a)
	if err != nil {
		return form{}, err
	}
	m, err := findMonitor(a, store)
	if err != nil {
		return form{}, err
	}
	v := askView{Name: m.Name, Revision: m.Revision, Back: pathTo("monitors", m.Name)}
	what(m, &v)
	return form{v.Title, "ask", v}, nil
}

func showRun(a *acting) (form, error) {
	return ask(a, func(m wire.Saved, v *askView) {
		v.Title, v.Button = "Run "+m.Name+" now", "Run now"
		v.Text = []string{"Each agent that runs it measures once more, beside the schedule. The results are stored and judged like all others."}
	})
}

func doRun(a *acting) (outcome, error) {
	name := a.r.PathValue("name")
	ran, err := a.who.Ops.Run(a, console.Runs{Monitors: []string{name}}, nil)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{Title: name + " ran", Next: pathTo("monitors", name), Word: "Look at " + name}
	line := console.Line{Alone: true}
	for _, r := range ran {
		for _, t := range r.Tallies {
			if x := t.Last; x.Err != nil {
				o.Lines = append(o.Lines, console.Printable(fmt.Sprintf("%s ? %v", x.Agent, x.Err)))
			} else {
				o.Lines = append(o.Lines, line.Format(*x.Result))
			}
		}
		for _, id := range r.Away {
			o.Lines = append(o.Lines, console.Printable(id)+" is offline")
		}
		if r.Cut {
			o.Lines = append(o.Lines, "not all agents answered in time")
		}
	}
	o.Command = "netmon run " + name
	return o, nil
}

func showStop(a *acting) (form, error) {
	return ask(a, func(m wire.Saved, v *askView) {
		v.Title, v.Button = "Pause "+m.Name, "Pause"
		v.Text = []string{"It stays saved, and runs nowhere until it is resumed: nothing is measured, and nobody is notified."}
		v.on(a, "Only on these agents", "left out, it is paused everywhere; else names and labels by commas, such as paris,region=eu")
	})
}

func showStart(a *acting) (form, error) {
	return ask(a, func(m wire.Saved, v *askView) {
		v.Title, v.Button = "Resume "+m.Name, "Resume"
		v.Text = []string{"It runs again where it ran."}
		if !m.Paused {
			v.Text = []string{"It is not paused, and runs on " + console.Printable(console.Where(m)) + "."}
		}
		v.on(a, "On these agents, too", "left out, it runs where it ran; a paused one that is resumed on some runs only there")
	})
}

// on lets agents be chosen.
func (v *askView) on(a *acting, label, help string) {
	v.On = &fieldView{ID: fieldID(fieldOn), Name: fieldOn, Label: label, Help: help, Text: a.r.PostForm.Get(fieldOn)}
}

func doStop(a *acting) (outcome, error) {
	on, err := a.agents()
	if err != nil {
		return outcome{}, err
	}
	if len(on) > 0 { // that it does not run on an agent that nobody knows would look like success
		err := a.who.Client.CheckAgents(a, on, []string{a.r.PathValue("name")})
		if err != nil {
			return outcome{}, &wire.FieldError{Path: "agents", Err: err}
		}
	}
	return placedBy(a, a.who.Ops.Stop, on, "stop")
}

func doStart(a *acting) (outcome, error) {
	on, err := a.agents()
	if err != nil {
		return outcome{}, err
	}
	return placedBy(a, a.who.Ops.Start, on, "start")
}

// agents are those that the form names, nil for none.
func (a *acting) agents() (wire.Selectors, error) {
	text := a.r.PostForm.Get(fieldOn)
	if text == "" {
		return nil, nil
	}
	on, err := wire.ParseSelectors(text)
	if err != nil {
		return nil, &wire.FieldError{Path: "agents", Err: err}
	}
	return on, nil
}

func placedBy(a *acting, change placing, on wire.Selectors, verb string) (outcome, error) {
	name := a.r.PathValue("name")
	out, err := change(a, name, on)
	if err != nil {
		return outcome{}, err
	}
	o := outcomeOf(out, name)
	o.Command = "netmon " + verb + " " + name
	if len(on) > 0 {
		o.Command += " --on " + shellwords.Quote(on.String())
	}
	return o, nil
}

// placing is a method of [console.Ops] that changes where a monitor runs.
type placing func(ctx context.Context, name string, on wire.Selectors) (console.Outcome, error)

func showDelete(a *acting) (form, error) {
	return ask(a, func(m wire.Saved, v *askView) {
		v.Title, v.Button, v.Bad = "Delete "+m.Name, "Delete", true
		v.Text = []string{kindText(m.Kind, m.Target) + ", on " + console.Printable(console.Where(m)) + ".", "It stops everywhere. Its results and its history stay, and an earlier revision can be restored."}
	})
}

func doDelete(a *acting) (outcome, error) {
	name := a.r.PathValue("name")
	out, err := a.who.Ops.Delete(a, name, console.DeleteOptions{Anyway: a.r.PostForm.Get("anyway") == "yes", Revision: a.revision()})
	if needed, ok := errors.AsType[*console.DependentsError](err); ok {
		f, showErr := showDelete(a)
		if showErr != nil {
			return outcome{}, showErr
		}
		v := f.data.(askView)
		v.Depend, v.Button = console.Printable(needed.Error()), "Delete anyway"
		f.data = v
		return outcome{}, &again{form: f, err: needed}
	}
	if err != nil {
		return outcome{}, err
	}
	o := outcomeOf(out, name)
	o.Next, o.Word, o.Command = pathTo("monitors", name)+"/rollback", "Restore it", "netmon delete "+name
	return o, nil
}
