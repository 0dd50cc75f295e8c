package incident

import (
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// Maintenance says which monitors are in planned maintenance: those that an open window mutes
// whole. One that mutes some severities or some blame alone is none. It knows no clock.
type Maintenance struct {
	windows  map[string]*wire.Window
	groups   map[string]wire.Group
	monitors map[string]*wire.Saved

	muted map[string]bool
	at    time.Time // what is muted is so at this moment
	next  time.Time // when a window opens or closes next; zero is never
	dirty bool      // something was saved since
}

// NewMaintenance begins at a moment, with nothing saved.
func NewMaintenance(at time.Time) *Maintenance {
	return &Maintenance{windows: map[string]*wire.Window{}, groups: map[string]wire.Group{}, monitors: map[string]*wire.Saved{}, muted: map[string]bool{}, at: at, dirty: true}
}

// Advance continues to a moment, and reports each change on the way.
func (w *Maintenance) Advance(to time.Time, tell func(monitor string, muted bool, at time.Time)) {
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
func (w *Maintenance) update(tell func(monitor string, muted bool, at time.Time)) {
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
			s := MonitorSubject(saved, groups)
			muted = slices.ContainsFunc(open, func(m *wire.Match) bool { return Fits(m, &s) })
		}
		if muted != w.muted[name] {
			w.muted[name] = muted
			tell(name, muted, w.at)
		}
	}
}

// Monitor notes a monitor that is saved.
func (w *Maintenance) Monitor(m *wire.Saved) {
	w.monitors[m.Name], w.dirty = m, true
}

// Knows says whether a monitor is saved.
func (w *Maintenance) Knows(monitor string) bool { return w.monitors[monitor] != nil }

// Muted says whether a monitor is in planned maintenance.
func (w *Maintenance) Muted(monitor string) bool { return w.muted[monitor] }

// Setting notes a window or a group that is saved. Others say nothing of maintenance.
func (w *Maintenance) Setting(s wire.Setting) {
	switch s := s.(type) {
	case *wire.Window:
		w.windows[s.Name] = s
	case *wire.Group:
		w.groups[s.Name] = *s
	default:
		return
	}
	w.dirty = true
}

// Deleted notes that something was deleted; "" is a monitor.
func (w *Maintenance) Deleted(sort wire.Sort, name string) {
	w.dirty = true
	switch sort {
	case "":
		delete(w.monitors, name)
		delete(w.muted, name)
	case wire.SortWindow:
		delete(w.windows, name)
	case wire.SortGroup:
		delete(w.groups, name)
	}
}
