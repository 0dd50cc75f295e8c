package screen

import (
	"fmt"

	"netmon/console/view"
	"netmon/judge"
)

// act is what the keys do that concern the chosen monitor.
func (u *UI) act(key string, s view.Snapshot) Effect {
	verb, ok := map[string]Verb{"r": Start, "x": Stop, "p": Probe, "d": Delete, "e": Edit}[key]
	name := u.Cursor
	chosen := name != "" && u.Tab != Agents && u.Tab != Log && u.Tab != Incidents && (u.Tab != Detail || s.Detail != nil)
	switch {
	case key == "y" || key == "Y":
		if !chosen {
			u.refuse(key + " copies a monitor: choose one in view 1, 2 or 4")
			return Effect{}
		}
		if key == "Y" {
			return Effect{Copy: CopyName}
		}
		return Effect{Copy: CopyCommand}
	case key == "n" && !u.Link.Lost.IsZero():
		u.refuse("cannot add a monitor: the broker is away")
		return Effect{}
	case key == "n":
		return Effect{Do: &Request{Verb: Add}}
	case !ok:
		u.refuse(fmt.Sprintf("%q does nothing here: ? shows the keys", key))
		return Effect{}
	case !chosen:
		u.refuse(fmt.Sprintf("%s works on a monitor: choose one in view 1, 2 or 4", words(key)))
		return Effect{}
	case !u.Link.Lost.IsZero():
		u.refuse(fmt.Sprintf("cannot %s %s: the broker is away", verb, name))
		return Effect{}
	}
	r := &Request{Verb: verb, Monitor: name}
	if u.Tab == Detail && verb != Delete && verb != Edit {
		r.On = s.Detail.On
	}
	if why := refusal(*r, s); why != "" {
		u.refuse(why)
		return Effect{}
	}
	if verb == Delete {
		u.Mode, u.Asked = asking, r
		return Effect{}
	}
	u.say(r.String() + " …")
	return Effect{Do: r}
}

func words(key string) string {
	return map[string]string{"r": "r (start)", "x": "x (stop)", "p": "p (probe)", "d": "d (delete)", "e": "e (edit)"}[key]
}

// refusal says why a request makes no sense, as far as the screen knows.
func refusal(r Request, s view.Snapshot) string {
	row, on := view.Row{Name: "", State: judge.Unknown}, (*view.OnAgent)(nil)
	if s.Detail != nil && s.Detail.Name == r.Monitor {
		row = s.Detail.Row
		for i, a := range s.Detail.Agents {
			if a.Agent == r.On {
				on = &s.Detail.Agents[i]
			}
		}
	}
	for _, m := range s.Monitors {
		if m.Name == r.Monitor {
			row = m
		}
	}
	switch {
	case row.Name == "":
		return fmt.Sprintf("%s is not there any more", r.Monitor)
	case row.Manual && r.Verb == Edit:
		return fmt.Sprintf("%s was started by hand and is not saved: netmon add saves one", r.Monitor)
	case row.Manual:
		return fmt.Sprintf("%s was started by hand and is not saved: stop it with  nats req agent.ID.cmd '{\"op\":\"stop\",\"names\":[\"%s\"]}'", r.Monitor, r.Monitor)
	case r.Verb == Stop && row.State == judge.Paused:
		return fmt.Sprintf("%s is paused already", r.Monitor)
	case r.Verb == Stop && on != nil && !on.Wanted:
		return fmt.Sprintf("%s does not run on %s", r.Monitor, r.On)
	case r.Verb == Start && on != nil && on.Wanted && row.State != judge.Paused:
		return fmt.Sprintf("%s runs on %s already", r.Monitor, r.On)
	case r.Verb == Start && r.On == "" && row.State != judge.Paused:
		return fmt.Sprintf("%s is not paused; to run it on more agents:  netmon start %s --on AGENTS", r.Monitor, r.Monitor)
	}
	return ""
}

// keyLine is the keys that do something here.
func keyLine(u UI) string {
	switch {
	case u.Help:
		return "any key closes this"
	case u.Mode == typing:
		return "words of name, kind, target, state or agent  enter keep  esc undo  ctrl+u clear"
	case u.Mode == choosing:
		return "each letter shows or hides its column   ! no room for it here   enter done"
	case u.Mode == answering:
		return "enter do it  esc leave it  ctrl+u clear"
	case u.Mode == asking:
		return "y yes · n no"
	case u.Frozen:
		return "space go on · y copy command · Y name · ? help · q quit"
	}
	switch u.Tab {
	case Monitors:
		return "enter  / filter  s sort  n new  e edit  r start  x stop  p probe  d delete  ? q"
	case Matrix:
		return "↑↓←→  enter open  / filter  s sort  r start  x stop  p probe  d delete  ? q"
	case Incidents:
		if u.Story {
			return "↑↓ scroll  a acknowledge  s silence  esc back  1-5 views  ? help  q quit"
		}
		return "↑↓  enter all of it  a acknowledge  s silence  1-5 i views  ? help  q quit"
	case Agents:
		return "↑↓  enter its monitors  1-5 tab views  space freeze  ? help  q quit"
	case Detail:
		return "↑↓ agent: r start  x stop  p probe there  d delete  e edit  y copy  esc back  ?"
	}
	return "/ filter  space hold  1-5 tab views  ? help  q quit"
}

// helpLines are all keys.
func helpLines(st Styles) []string {
	state := ""
	for _, s := range [...]judge.State{judge.Up, judge.Degraded, judge.Down, judge.Paused, judge.Unknown} {
		state += "  " + st.in(st.state(s), s.Mark()+" "+s.String())
	}
	return []string{
		st.in(st.Head, "signs") + state,
		"  degraded: slow, or not up on each agent",
		"  unknown: silence, a gap, an agent that is away or could not measure",
		fmt.Sprintf("  figures: the last %d runs on each agent; what is unknown counts for nothing", view.Window),
		st.in(st.Head, "views") + "  1 monitors  2 matrix  3 agents  4 detail  5 log  i incidents",
		st.in(st.Head, "move") + "   ↑↓ or j k, pgup pgdown, home end; ←→ agents of the matrix; tab next view",
		"       enter opens, esc goes back",
		st.in(st.Head, "choose") + " / filter: words of name, kind, target, state or agent",
		"       s sort: state, name, p95, loss, uptime, certificate;  c columns",
		"       space freezes the screen, and goes on",
		st.in(st.Head, "change") + " r start   x stop   p probe now   d delete (asks first)",
		"       in the detail, on the chosen agent; elsewhere, everywhere it belongs",
		"       n new, step by step   e edit, in $VISUAL or $EDITOR",
		"       a acknowledge an incident   s in view i: silence its monitors for a while",
		st.in(st.Head, "copy") + "   y the command that makes the monitor, Y its name (OSC 52)",
		st.in(st.Head, "leave") + "  q, or ctrl+c; what runs goes on running",
	}
}
