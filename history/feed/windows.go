package feed

import (
	"maps"
	"slices"
	"time"

	"netmon/incident"
	"netmon/wire"
)

// windows say which monitors are in planned maintenance: those that an open window mutes
// whole. One that mutes some severities or some blame alone is none. It knows no clock.
type windows struct {
	windows  map[string]*wire.Window
	groups   map[string]wire.Group
	monitors map[string]*wire.Saved

	muted map[string]bool
	at    time.Time // what is muted is so at this moment
	next  time.Time // when a window opens or closes next; zero is never
	dirty bool      // something was saved since
}

func newWindows(at time.Time) *windows {
	return &windows{windows: map[string]*wire.Window{}, groups: map[string]wire.Group{}, monitors: map[string]*wire.Saved{}, muted: map[string]bool{}, at: at, dirty: true}
}

// advance goes on to a moment, and tells of each change on the way.
func (w *windows) advance(to time.Time, tell func(monitor string, muted bool, at time.Time)) {
	for {
		if w.dirty {
			w.update(tell)
		}
		if w.next.IsZero() || w.next.After(to) {
			break
		}
		w.at, w.dirty = w.next, true
	}
	if to.After(w.at) {
		w.at = to
	}
}

// update finds what is muted now, and until when that stays so.
func (w *windows) update(tell func(monitor string, muted bool, at time.Time)) {
	w.dirty, w.next = false, time.Time{}
	var open []*wire.Match
	for _, x := range w.windows {
		is, change := x.Next(w.at)
		if m := &x.Match; is && len(m.Severity)+len(m.Blame)+len(m.Agents) == 0 {
			open = append(open, m)
		}
		if !change.IsZero() && (w.next.IsZero() || change.Before(w.next)) {
			w.next = change
		}
	}
	var groups []wire.Group
	if len(open) > 0 {
		groups = slices.Collect(maps.Values(w.groups))
	}
	for name, saved := range w.monitors {
		muted := false
		if len(open) > 0 {
			s := incident.MonitorSubject(saved, groups)
			muted = slices.ContainsFunc(open, func(m *wire.Match) bool { return incident.Fits(m, &s) })
		}
		if muted != w.muted[name] {
			w.muted[name] = muted
			tell(name, muted, w.at)
		}
	}
}

// apply notes what is saved.
func (w *windows) apply(s saved) {
	w.dirty = true
	switch {
	case s.monitor != nil:
		w.monitors[s.monitor.Name] = s.monitor
	case s.window != nil:
		w.windows[s.window.Name] = s.window
	case s.group != nil:
		w.groups[s.group.Name] = *s.group
	case s.deleted == "":
		delete(w.monitors, s.name)
		delete(w.muted, s.name)
	case s.deleted == wire.SortWindow:
		delete(w.windows, s.name)
	case s.deleted == wire.SortGroup:
		delete(w.groups, s.name)
	}
}
