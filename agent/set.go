package agent

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"netmon/agent/policy"
	"netmon/wire"
)

// set is what should run on this agent, by name, and what is known about the
// order of the commands that made it so. Its owner calls it under one lock.
type set struct {
	check  func(wire.Monitor) (candidate, error) // builds the probe, or says every mistake
	runner *runner
	ctx    context.Context // parent of all runs

	durable
	// lastTick says which tick of a monitor the last result that was kept is of,
	// and how many after it have its outcome; nil where nothing is known.
	lastTick func(name string) (due time.Time, covers uint64, ok bool)

	policy *policy.Policy
	tally  policy.Tally // of the entries that run
}

// entry is one monitor: running, or refused with the reasons.
type entry struct {
	durableEntry
	task      *task // nil when refused
	refused   []wire.Error
	overLimit bool // refused, and only for what else runs
	load      policy.Load
}

func (e *entry) manual() bool { return e.monitor.Revision == 0 }

func newSet(ctx context.Context, run *runner, check func(wire.Monitor) (candidate, error)) *set {
	return &set{check: check, runner: run, ctx: ctx, durable: durable{entries: map[string]*entry{}, gone: map[string]uint64{}}}
}

// start runs one monitor of a command, or changes it.
func (s *set) start(c wire.Command, m wire.Monitor, field string) wire.MonitorReply {
	r := wire.MonitorReply{Name: m.Name, Revision: m.Revision}
	refuse := func(errs ...wire.Error) wire.MonitorReply {
		r.State, r.Errors = wire.Refused, errs
		return r
	}
	s.adopt(c.Store)
	old := s.entries[m.Name]
	managed := m.Revision > 0
	switch {
	case managed && c.Store == "":
		return refuse(wire.Error{Code: wire.CodeInvalid, Field: "store", Message: "is missing, and " + field + " has a revision"})
	case managed && old != nil && !old.manual() && old.store == c.Store && old.monitor.Revision == m.Revision:
		s.touch(old, c.Revision)
		r.State = wire.Unchanged
		if old.task == nil {
			return refuse(old.refused...)
		}
		return r
	case managed && c.Revision < s.newest(c.Store, m.Name):
		return refuse(wire.Error{Code: wire.CodeStale, Message: fmt.Sprintf("a command for revision %d came before this one for revision %d", s.newest(c.Store, m.Name), c.Revision)})
	case !managed && old != nil && !old.manual():
		return refuse(wire.Error{Code: wire.CodeManaged, Message: fmt.Sprintf("%q is a saved monitor: change it with netmon add or apply", m.Name)})
	}

	if old == nil && len(s.entries) >= wire.MaxMonitors {
		return refuse(wire.Error{Code: wire.CodeLimit, Message: fmt.Sprintf("the agent has %d monitors, which is the limit", wire.MaxMonitors)})
	}

	m = m.WithDefaults()
	if old != nil && old.task != nil && sameMeasurement(old.monitor, m) {
		// Something else of the saved monitor changed, such as where it runs, or
		// it was started by hand before.
		s.runner.revise(old.task, m.Revision)
		s.put(m.Name, old, durableEntry{m, c.Store, c.Revision, old.by, old.since})
		s.back(m.Name)
		r.State = wire.Unchanged
		return r
	}
	found, err := s.check(m)
	now := durableEntry{monitor: m, store: c.Store, touched: c.Revision}
	e := &entry{durableEntry: now}
	if err == nil {
		err = s.admit(e, found.footprint, old)
	}
	if err != nil {
		var p wire.Problems
		p.Add(field, err)
		e.refused = wire.Invalid(p.Err())
	}
	if err != nil && (!managed || wire.CheckToken(m.Name) != nil) {
		return refuse(e.refused...) // what ran under this name continues
	}
	r.State = wire.Started
	var from time.Time
	if old != nil && old.task != nil {
		from = s.end(old)
		r.State = wire.Updated
	}
	s.back(m.Name)
	s.put(m.Name, e, now)
	if err != nil {
		return refuse(e.refused...)
	}
	s.began(e)
	s.begin(e, found.probe, from)
	return r
}

// sameMeasurement says whether two monitors measure the same in the same rhythm.
func sameMeasurement(a, b wire.Monitor) bool {
	return a.Kind == b.Kind && a.Target == b.Target && a.Every == b.Every && a.Timeout == b.Timeout && bytes.Equal(a.Options, b.Options)
}

// stop ends one monitor. A command without a revision, typed by hand, stops
// whatever runs under the name.
func (s *set) stop(c wire.Command, name string) wire.MonitorReply {
	r := wire.MonitorReply{Name: name, State: wire.Stopped}
	s.adopt(c.Store)
	e := s.entries[name]
	if c.Revision > 0 {
		if newest := s.newest(c.Store, name); c.Revision < newest {
			r.State = wire.Refused
			r.Errors = []wire.Error{{Code: wire.CodeStale, Message: fmt.Sprintf("a command for revision %d came before this one for revision %d", newest, c.Revision)}}
			return r
		}
		if c.Store == s.store {
			s.away(name, c.Revision)
		}
	}
	if e == nil || c.Revision > 0 && e.manual() {
		r.State = wire.Absent
		return r
	}
	if c.Revision == 0 && !e.manual() {
		r.Note = "it is a saved monitor: the controller will start it again unless it is stopped there too (netmon stop)"
	}
	s.drop(e)
	return r
}

// sync compares the managed monitors of a range of names with those of the
// command, stops what should not run, and returns the names it wants to be sent.
// Only the bucket that asked for a monitor can end it by not having it: one that
// is empty because it was lost says nothing of what ran before.
func (s *set) sync(c wire.Command) (want []string, err *wire.Error) {
	s.follow(c.Store)
	if c.Revision < s.revision {
		return nil, &wire.Error{Code: wire.CodeStale, Field: "revision", Message: fmt.Sprintf("a sync for revision %d came before this one for revision %d", s.revision, c.Revision)}
	}
	s.reach(c.Revision)
	in := func(name string) bool { return name > c.After && (c.Through == "" || name <= c.Through) }
	s.pruneGone(func(name string, at uint64) bool { return in(name) && at <= c.Revision })
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		e := s.entries[name]
		if e.manual() || !in(name) || e.store != c.Store || e.touched > c.Revision {
			continue
		}
		if _, ok := c.Have[name]; !ok {
			s.drop(e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Have)) {
		e := s.entries[name]
		current := e != nil && !e.manual() && e.store == c.Store && e.monitor.Revision >= c.Have[name]
		if in(name) && !current && c.Revision >= s.gone[name] {
			want = append(want, name)
		}
	}
	return want, nil
}

// newest is the revision of the last command that settled whether name runs.
func (s *set) newest(store, name string) uint64 {
	var n uint64
	if store == s.store {
		n = max(s.revision, s.gone[name])
	}
	if e := s.entries[name]; e != nil && !e.manual() && e.store == store {
		n = max(n, e.touched)
	}
	return n
}

func (s *set) drop(e *entry) {
	if e.task != nil {
		s.end(e)
	}
	s.remove(e.monitor.Name)
}

// listBytes is how long a page of whole monitors may get before it ends: the
// longest one comes on top.
const listBytes = wire.MaxMessage / 2

// list is one page of what runs, in the order of names.
func (s *set) list(after string, limit int, whole bool) (page []wire.MonitorReply, next string) {
	names := slices.Sorted(maps.Keys(s.entries))
	i, found := slices.BinarySearch(names, after)
	if found {
		i++
	}
	if names = names[i:]; len(names) > limit {
		names = names[:limit]
		next = names[limit-1]
	}
	size := 0
	for i, name := range names {
		e := s.entries[name]
		r := wire.MonitorReply{Name: name, State: wire.Running, Revision: e.monitor.Revision, Kind: e.monitor.Kind,
			Target: e.monitor.Target, Every: e.monitor.Every, Manual: e.manual(), By: e.by, Errors: e.refused}
		if e.task == nil {
			r.State = wire.Refused
		} else {
			r.Runs, r.Skipped, r.Last = s.runner.figures(e.task)
		}
		if whole {
			r.Store, r.Timeout, r.Options = e.store, e.monitor.Timeout, e.monitor.Options
		}
		page = append(page, r)
		if size += len(r.Options) + len(r.Target) + 512; size > listBytes && i+1 < len(names) {
			return page, name
		}
	}
	return page, next
}

// describe fills in the heartbeat's part about what runs.
func (s *set) describe(a *wire.Alive) {
	managed := map[string]uint64{}
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		e := s.entries[name]
		switch {
		case e.task != nil:
			a.Monitors++
		case len(a.Refused) < 20:
			if a.Refused == nil {
				a.Refused = map[string]string{}
			}
			a.Refused[name] = wire.Clip(e.refused[0].Error(), wire.MaxReason)
		}
		switch {
		case e.manual():
			a.Manual++
		case e.store == s.store:
			managed[name] = e.monitor.Revision
		default:
			a.Unsaved++
		}
	}
	if a.Unsaved > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("runs monitors that are not saved (%d): the broker's store is new; netmon recover saves or stops them", a.Unsaved))
	}
	a.Store, a.Revision, a.Digest = s.store, s.revision, wire.DigestOf(managed)
}
