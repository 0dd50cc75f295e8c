package status

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/incident"
	"netmon/wire"
)

const (
	soon        = 14 * 24 * time.Hour // maintenance that begins by then is announced
	windowSteps = 400                 // ends of one window that are looked at
	plannedMost = 200                 // occurrences on a page
)

// planned is maintenance of public monitors.
type planned struct {
	at      time.Time
	windows []plannedWindow
}

type plannedWindow struct {
	*wire.Window
	of    []string // public monitors
	times []interval
}

// plannedOf are the windows that are for public monitors. One that chooses by what is wrong
// is no maintenance of anything.
func plannedOf(f *Facts, list []chosen) planned {
	p := planned{at: f.At}
	var groups []wire.Group
	for _, s := range f.Settings {
		if g, ok := s.(*wire.Group); ok {
			groups = append(groups, *g)
		}
	}
	for _, s := range f.Settings {
		w, ok := s.(*wire.Window)
		if !ok || len(w.Match.Severity)+len(w.Match.Blame) > 0 {
			continue
		}
		x := plannedWindow{Window: w}
		for i := range list {
			if of := incident.MonitorSubject(list[i].saved, groups); incident.Fits(&w.Match, &of) {
				x.of = append(x.of, list[i].saved.Name)
			}
		}
		if len(x.of) > 0 {
			x.times = timesOf(w, f.At)
			p.windows = append(p.windows, x)
		}
	}
	return p
}

// timesOf are the times of a window from 90 days ago to soon; of those that are to come
// only the first.
func timesOf(w *wire.Window, now time.Time) (list []interval) {
	begin, end := PastFrom(now), now.Add(soon)
	if !w.From.IsZero() { // once
		if w.To.After(begin) && w.From.Before(end) {
			list = append(list, interval{w.From.UTC(), w.To.UTC()})
		}
		return list
	}
	if often(w, begin) { // 90 days of it would be too many
		begin = now.Add(-3 * 24 * time.Hour)
	}
	for t, n := begin, 0; n < windowSteps && !t.After(end); n++ {
		open, change := w.Next(t)
		if change.IsZero() {
			break
		}
		if open {
			if list = append(list, interval{t, change}); t.After(now) {
				break
			}
		}
		t = change
	}
	return list
}

// often says that a window opens more than twice a day.
func often(w *wire.Window, from time.Time) bool {
	t, n := from, 0
	for ; n < 14 && !t.IsZero() && t.Sub(from) < 3*24*time.Hour; n++ {
		_, t = w.Next(t)
	}
	return n >= 14
}

// now says whether a monitor is in maintenance.
func (p *planned) now(monitor string, at time.Time) bool {
	return p.during(monitor, at, at.Add(time.Nanosecond))
}

// during says whether all of a time of a monitor was planned.
func (p *planned) during(monitor string, from, to time.Time) bool {
	for i := range p.windows {
		w := &p.windows[i]
		if !slices.Contains(w.of, monitor) {
			continue
		}
		for _, t := range w.times {
			if !from.Before(t.from) && !to.After(t.to) {
				return true
			}
		}
	}
	return false
}

// occurrences are those to come, those that are, and those that were: of a window that was
// saved since then nothing was planned, so history has to say so. The next is first.
func (p *planned) occurrences(refs map[string]Ref, past *Past) (list []Occurrence) {
	for i := range p.windows {
		w := &p.windows[i]
		for _, t := range w.times {
			if !t.to.After(p.at) && !past.planned(w.of, t) {
				continue
			}
			o := Occurrence{ID: publicID("maintenance", w.Name+t.from.String()), Name: windowName(w.Name), From: t.from.UTC(), To: t.to.UTC()}
			for _, name := range w.of {
				o.Services = append(o.Services, refs[name])
			}
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b Occurrence) int { return cmp.Or(b.From.Compare(a.From), cmp.Compare(a.ID, b.ID)) })
	return list[:min(len(list), plannedMost)]
}

// planned says whether history has maintenance of one of these monitors in a time.
func (p *Past) planned(monitors []string, t interval) bool {
	if p == nil {
		return false
	}
	for _, name := range monitors {
		for _, m := range p.muted[name] {
			if m.from.Before(t.to) && t.from.Before(m.to) {
				return true
			}
		}
	}
	return false
}

// windowName is the name of a window in words: patch-night is Patch night.
func windowName(name string) string {
	text := strings.TrimSpace(strings.NewReplacer("-", " ", "_", " ").Replace(console.Printable(name)))
	if text == "" {
		return "Maintenance"
	}
	return strings.ToUpper(text[:1]) + text[1:] // a token is ASCII
}
