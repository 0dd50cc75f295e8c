package screen

import (
	"fmt"
	"slices"

	"netmon/console/view"
	"netmon/judge"
)

// act is what the keys do that concern the chosen monitor.
func (u *UI) act(key string, s view.Snapshot) Effect {
	verb, ok := map[string]Verb{"r": Start, "x": Stop, "p": Probe, "d": Delete, "e": Edit, "n": Add}[key]
	name := u.Cursor
	chosen := name != "" && u.Tab != Agents && u.Tab != Log && u.Tab != Incidents && (u.Tab != Detail || s.Detail != nil)
	switch {
	case (key == "y" || key == "Y") && !chosen:
		u.refuse(key + " copies a monitor: choose one in view 1, 2 or 4")
		return Effect{}
	case key == "Y":
		return Effect{Copy: CopyName}
	case key == "y":
		return Effect{Copy: CopyCommand}
	case verb == Add:
		return u.request(&Request{Verb: Add}, s)
	case !ok:
		u.refuse(fmt.Sprintf("%q does nothing here: ? shows the keys", key))
		return Effect{}
	case !chosen:
		u.refuse(fmt.Sprintf("%s (%s) works on a monitor: choose one in view 1, 2 or 4", key, verb))
		return Effect{}
	}
	r := &Request{Verb: verb, Monitor: name}
	if u.Tab == Detail && verb != Delete && verb != Edit {
		r.On = s.Detail.On
	}
	return u.request(r, s)
}

// request does it, asks whether to, or says why not.
func (u *UI) request(r *Request, s view.Snapshot) Effect {
	if u.Past != nil {
		u.refuse(notInPast)
		return Effect{}
	}
	if !u.Link.Lost.IsZero() {
		u.refuse(fmt.Sprintf("cannot %s: the broker is away", r))
		return Effect{}
	}
	if r.Verb == Add {
		return Effect{Do: r}
	}
	if why := refusal(*r, s); why != "" {
		u.refuse(why)
		return Effect{}
	}
	if q := r.question(s); q != "" {
		u.Mode, u.Asked, u.Question = asking, r, q
		return Effect{}
	}
	u.say(r.String() + " …")
	return Effect{Do: r}
}

// question is what is asked before something stops everywhere; "" asks nothing.
func (r *Request) question(s view.Snapshot) string {
	switch {
	case r.Verb == Delete:
		return fmt.Sprintf("delete %s and stop it on all agents?", r.Monitor)
	case r.Verb == Stop && r.On == "":
		return fmt.Sprintf("stop %s on all agents?", r.Monitor)
	case r.Verb == Stop && alone(r, s):
		return fmt.Sprintf("stop %s on %s, the only agent that runs it?", r.Monitor, r.On)
	}
	return ""
}

// alone says that no other agent runs the monitor of a request.
func alone(r *Request, s view.Snapshot) bool {
	if s.Detail != nil && s.Detail.Name == r.Monitor {
		return !slices.ContainsFunc(s.Detail.Agents, func(a view.OnAgent) bool { return a.Wanted && a.Agent != r.On })
	}
	return slices.ContainsFunc(s.Found, func(m view.Row) bool { return m.Name == r.Monitor && m.Of <= 1 })
}

// refusal says why a request makes no sense, as far as the screen knows.
func refusal(r Request, s view.Snapshot) string {
	row, on := view.Row{State: judge.Unknown}, (*view.OnAgent)(nil)
	if s.Detail != nil && s.Detail.Name == r.Monitor {
		row = s.Detail.Row
		for i, a := range s.Detail.Agents {
			if a.Agent == r.On {
				on = &s.Detail.Agents[i]
			}
		}
	}
	for _, m := range slices.Concat(s.Monitors, s.Found) {
		if m.Name == r.Monitor {
			row = m
		}
	}
	switch {
	case row.Name == "":
		return fmt.Sprintf("there is no monitor %q", r.Monitor)
	case row.Manual && r.Verb == Edit:
		return fmt.Sprintf("%s was started by hand and is not saved: save it with netmon add", r.Monitor)
	case row.Manual:
		return fmt.Sprintf("%s was started by hand and is not saved: stop it with  nats req agent.ID.cmd '{\"op\":\"stop\",\"names\":[\"%s\"]}'", r.Monitor, r.Monitor)
	case r.Verb == Stop && row.State == judge.Paused:
		return fmt.Sprintf("%s is paused already", r.Monitor)
	case r.Verb == Stop && on != nil && !on.Wanted:
		return fmt.Sprintf("%s does not run on %s", r.Monitor, r.On)
	case r.Verb == Start && on != nil && on.Wanted && row.State != judge.Paused:
		return fmt.Sprintf("%s runs on %s already", r.Monitor, r.On)
	case r.Verb == Start && r.On == "" && row.State != judge.Paused && row.Of == 0:
		return fmt.Sprintf("%s runs on no agent; name one, such as  :start %s on AGENT", r.Monitor, r.Monitor)
	case r.Verb == Start && r.On == "" && row.State != judge.Paused:
		return fmt.Sprintf("%s runs already; to run it on one more, type  :start %s on AGENT", r.Monitor, r.Monitor)
	}
	return ""
}
