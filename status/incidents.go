package status

import (
	"cmp"
	"slices"
	"time"

	"netmon/internal/plural"
	"netmon/wire"
)

// updatesMost is how many lines an incident has: of more, the first ones and the very last.
const updatesMost = 60

// incidentsOf are the incidents of public monitors in 90 days, the open ones first, then the
// newest. Of each there is only what befell public monitors outside of planned maintenance.
func incidentsOf(f *Facts, refs map[string]Ref, planned planned) (list []Incident) {
	from := PastFrom(f.At)
	for _, x := range f.Incidents {
		if x.State == wire.IncidentMerged || x.State == wire.IncidentResolved && x.At.Before(from) {
			continue
		}
		if in, ok := incidentOf(x, refs, planned, f.At); ok && (in.Open() || in.Ended.After(from)) {
			list = append(list, in)
		}
	}
	slices.SortFunc(list, func(a, b Incident) int {
		if a.Open() != b.Open() {
			if a.Open() {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.ID, b.ID))
	})
	return list[:min(len(list), MaxIncidents)]
}

// incidentOf is what of an incident is public; false where nothing is.
func incidentOf(x *wire.Incident, refs map[string]Ref, planned planned, now time.Time) (Incident, bool) {
	in := Incident{ID: publicID("incident", x.ID)}
	worst := map[State][]string{}
	open := false
	seen := map[string]bool{}
	for i := range x.Members {
		m := &x.Members[i]
		ref, public := refs[m.Name]
		state, wrong := stateIn(m)
		until := m.Until
		if m.Wrong() {
			until = now
		}
		if m.About != wire.AboutMonitor || !public || !wrong || planned.during(m.Name, m.Since, until) {
			continue
		}
		text := ref.Name + " is " + state.Said()
		if why := blamed(m.Blame); why != "" {
			text += ": " + why
		}
		in.Updates = append(in.Updates, Update{At: m.Since.UTC(), Text: text + "."})
		if m.Wrong() && x.State == wire.IncidentOpen {
			open = true
		} else {
			if until = m.Until; until.IsZero() {
				until = cmp.Or(x.Resolved, x.At)
			}
			in.Updates = append(in.Updates, Update{At: until.UTC(), Text: ref.Name + " is running again."})
			if until.After(in.Ended) {
				in.Ended = until.UTC()
			}
		}
		if in.Began.IsZero() || m.Since.Before(in.Began) {
			in.Began = m.Since.UTC()
		}
		in.State = max(in.State, state)
		if !seen[m.Name] {
			seen[m.Name] = true
			in.Services = append(in.Services, ref)
			worst[state] = append(worst[state], ref.Name)
		}
	}
	if len(in.Updates) == 0 {
		return in, false
	}
	slices.SortStableFunc(in.Updates, func(a, b Update) int { return a.At.Compare(b.At) })
	if n := len(in.Updates); n > updatesMost {
		in.Updates = append(in.Updates[:updatesMost-1], in.Updates[n-1]) // how it ended, or is now
	}
	verb := [2]string{"was", "were"}
	if open {
		in.Ended, verb = time.Time{}, [2]string{"is", "are"}
	} else {
		last := &in.Updates[len(in.Updates)-1]
		last.Over = true
		if len(in.Services) > 1 || len(in.Updates) > 2 {
			last.Text += " All is well."
		}
	}
	names := worst[in.State]
	if len(names) == 0 {
		names = []string{in.Services[0].Name}
	}
	in.Title = joined(names, max(len(names), len(refs))) + " " + plural.Of(len(names), verb[0], verb[1]) + " " + in.State.Said()
	return in, true
}
