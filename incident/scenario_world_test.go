package incident

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// zero is when scenarios begin: a Monday, in the afternoon.
var zero = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// told is a notice with the incident as it was then.
type told struct {
	wire.Notice
	incident wire.Incident
}

// world plays what happens to a Keeper, and keeps what it gives as the streams do.
type world struct {
	t       testing.TB
	k       *Keeper
	now     time.Time
	restart bool // another Keeper continues after each step

	settings map[string]wire.Setting
	monitors map[string]wire.Saved
	verdicts map[string]wire.Verdict
	agents   map[string]wire.AgentVerdict
	mesh     *wire.MeshVerdict
	troubles map[string]wire.Trouble
	groups   map[string]wire.GroupVerdict
	incident map[string]wire.Incident // the newest of each
	ids      []string                 // in the order of their first message
	outcome  map[string]wire.SendOutcome
	pending  []wire.Delivery
	last     map[string]wire.Delivery
	queue    map[string]wire.Notice // as the work queue has it

	history []wire.Incident
	told    []told
	keys    map[string]wire.Notice
	down    map[string]int    // incidents of a monitor so far
	numbers map[string]uint64 // of its newest verdict

	revision uint64               // of what is saved
	saved    map[string]time.Time // when each channel was saved last
	gone     map[string][]int     // how many notices there were each time when a channel was deleted
}

func newWorld(t testing.TB) *world {
	return &world{
		t: t, k: New(), now: zero, settings: map[string]wire.Setting{}, monitors: map[string]wire.Saved{}, verdicts: map[string]wire.Verdict{},
		agents: map[string]wire.AgentVerdict{}, troubles: map[string]wire.Trouble{}, groups: map[string]wire.GroupVerdict{},
		incident: map[string]wire.Incident{}, outcome: map[string]wire.SendOutcome{}, last: map[string]wire.Delivery{},
		queue: map[string]wire.Notice{}, keys: map[string]wire.Notice{}, down: map[string]int{}, numbers: map[string]uint64{},
		saved: map[string]time.Time{}, gone: map[string][]int{},
	}
}

// until lets the time pass: what is due and what was sent happens in its order.
func (w *world) until(at time.Time) {
	for {
		next := w.k.Next()
		if len(w.pending) > 0 && (next.IsZero() || w.pending[0].At.Before(next)) {
			next = w.pending[0].At
		}
		if next.IsZero() || next.After(at) {
			break
		}
		if next.Before(w.now) {
			next = w.now
		}
		w.now = next
		for len(w.pending) > 0 && !w.pending[0].At.After(w.now) {
			d := w.pending[0]
			w.pending = w.pending[1:]
			w.last[d.Channel+" "+d.Incident] = d
			w.k.Delivery(d)
		}
		w.step()
	}
	w.now = at
}

// step has the Keeper decide, and stores what it gives.
func (w *world) step() {
	w.k.Advance(w.now)
	for _, msg := range w.k.Changes() {
		w.store(msg)
	}
	for _, g := range w.k.Groups() {
		if old := w.groups[g.Group]; g.N != old.N+1 {
			w.t.Errorf("group %s: %d after %d", g.Group, g.N, old.N)
		}
		w.groups[g.Group] = g
	}
	for _, n := range w.k.Notices() {
		w.notice(n)
	}
	if w.restart {
		w.restore()
	}
}

func (w *world) store(msg wire.Incident) {
	old, known := w.incident[msg.ID]
	if !known {
		w.ids = append(w.ids, msg.ID)
	}
	if msg.N != old.N+1 {
		w.t.Errorf("%v: incident %s: message %d after %d", w.now.Sub(zero), msg.ID, msg.N, old.N)
	}
	data, err := json.Marshal(msg)
	if err != nil || len(data) > wire.MaxIncident {
		w.t.Errorf("incident %s: %d bytes, %v", msg.ID, len(data), err)
	}
	back, err := wire.DecodeIncident("incidents."+msg.ID, data)
	if err != nil {
		w.t.Errorf("incident %s: %v", msg.ID, err)
	}
	w.incident[msg.ID] = back
	w.history = append(w.history, back)
}

// notice puts a notice into the queue, and has it sent a second later as its channel does.
func (w *world) notice(n wire.Notice) {
	if before, ok := w.keys[n.Key()]; ok {
		if before != n {
			w.t.Errorf("%v: %s is another one than before:\n%+v\n%+v", w.now.Sub(zero), n.Key(), before, n)
		}
		return // it comes again after a restart
	}
	w.keys[n.Key()] = n
	w.told = append(w.told, told{n, w.incident[n.Incident]})
	outcome, ok := w.outcome[n.Channel]
	if !ok {
		outcome = wire.Sent
	}
	if outcome == "" {
		return
	}
	d := wire.Delivery{Channel: n.Channel, Incident: n.Incident, N: n.N, Key: n.Key(), Outcome: outcome, Attempts: 1, First: w.now, At: w.now.Add(time.Second), By: "host"}
	if outcome == wire.Sent {
		d.Shown = n.Of
	} else {
		d.Error = "it says no"
	}
	w.pending = append(w.pending, d)
}

// restore has another Keeper go on from what is stored.
func (w *world) restore() {
	k := New()
	for _, id := range slices.Sorted(maps.Keys(w.incident)) {
		k.Restore(w.incident[id])
	}
	for _, name := range slices.Sorted(maps.Keys(w.groups)) {
		k.RestoreGroup(w.groups[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.settings)) {
		k.Setting(w.settings[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.monitors)) {
		k.Monitor(w.monitors[name])
	}
	if w.mesh != nil {
		k.Mesh(*w.mesh)
	}
	for _, name := range slices.Sorted(maps.Keys(w.verdicts)) {
		k.Verdict(w.verdicts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.agents)) {
		k.Agent(w.agents[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.troubles)) {
		k.Trouble(w.troubles[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.last)) {
		k.Delivery(w.last[name])
	}
	w.k = k
	k.Advance(w.now)
	for _, msg := range k.Changes() {
		w.t.Errorf("%v: a restart changes %s: %s", w.now.Sub(zero), msg.ID, difference(w.incident[msg.ID], msg))
	}
	for _, g := range k.Groups() {
		w.t.Errorf("%v: a restart changes group %+v to %+v", w.now.Sub(zero), w.groups[g.Group], g)
	}
	for _, n := range k.Notices() {
		w.notice(n)
	}
}

// difference shows the fields in which two messages differ.
func difference(a, b wire.Incident) string {
	var out strings.Builder
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		v, _ := json.Marshal(x.Field(i).Interface())
		u, _ := json.Marshal(y.Field(i).Interface())
		if string(v) != string(u) {
			fmt.Fprintf(&out, "\n  %s: %s\n  %s: %s", x.Type().Field(i).Name, v, strings.Repeat(" ", len(x.Type().Field(i).Name)), u)
		}
	}
	return out.String()
}

// set saves a setting.
func (w *world) set(s wire.Setting) {
	if err := s.Validate(); err != nil {
		w.t.Fatalf("%s %s: %v", s.Sort(), s.SettingName(), err)
	}
	w.settings[string(s.Sort())+" "+s.SettingName()] = s
	if s.Sort() == wire.SortChannel {
		w.saved[s.SettingName()] = w.now
	}
	w.k.Setting(s)
}

func (w *world) unset(sort wire.Sort, name string) {
	delete(w.settings, string(sort)+" "+name)
	if sort == wire.SortChannel {
		w.gone[name] = append(w.gone[name], len(w.told))
	}
	w.k.RemoveSetting(sort, name)
}

func (w *world) save(m wire.Saved) {
	w.revision++
	m.Revision = w.revision
	w.monitors[m.Name] = m
	w.k.Monitor(m)
}

func (w *world) remove(name string) {
	delete(w.monitors, name)
	delete(w.verdicts, name) // a judge that is given it again starts over
	w.k.RemoveMonitor(name)
}

// verdict gives a verdict as the judge would give it now.
func (w *world) verdict(name string, state wire.VerdictState, blame *wire.Blame, why string, flapping bool) {
	old := w.verdicts[name]
	v := wire.Verdict{Monitor: name, State: state, Was: old.State, Since: w.now, At: w.now, N: w.numbers[name] + 1, Why: why, Blame: blame, Flapping: flapping, Incident: old.Incident}
	if m, ok := w.monitors[name]; ok {
		v.Revision = m.Revision
	} else {
		v.Revision = w.revision + 1 // it is saved, and that is given later
	}
	if state == old.State {
		v.Was, v.Since = old.Was, old.Since
	}
	switch {
	case state == wire.VerdictUp || state == wire.VerdictPaused:
		v.Incident, v.Blame = "", nil
	case blame != nil && blame.Class == wire.BlameParent && w.verdicts[blame.Names[0]].Incident != "":
		v.Incident = w.verdicts[blame.Names[0]].Incident
	case v.Incident == "":
		w.down[name]++
		v.Incident = fmt.Sprintf("%s-%d", name, w.down[name])
	}
	w.verdicts[name], w.numbers[name] = v, v.N
	w.k.Verdict(v)
}

func (w *world) agent(name string, status wire.AgentStatus, class wire.BlameClass, why string, gone bool) {
	old := w.agents[name]
	v := wire.AgentVerdict{Agent: name, Status: status, Since: w.now, At: w.now, N: old.N + 1, Why: why, Gone: gone}
	if class != "" {
		v.Blame = &wire.Blame{Class: class, Names: []string{name}, Why: why}
	}
	if status != wire.AgentAble {
		if v.Incident = old.Incident; v.Incident == "" {
			w.down[name]++
			v.Incident = fmt.Sprintf("%s-agent-%d", name, w.down[name])
		}
	}
	w.agents[name] = v
	w.k.Agent(v)
}

func (w *world) frozen(frozen bool) {
	v := wire.MeshVerdict{Frozen: frozen, Since: w.now, At: w.now, N: 1, Why: "no agent is heard"}
	if w.mesh != nil {
		v.N = w.mesh.N + 1
	}
	w.mesh = &v
	w.k.Mesh(v)
}

func (w *world) trouble(about, name, why string, wrong bool) {
	old := w.troubles[about+" "+name]
	t := wire.Trouble{About: about, Name: name, Wrong: wrong, Since: w.now, At: w.now, N: old.N + 1, Why: why, Severity: wire.Severity(about), Incident: fmt.Sprintf("%s-%s-%d", about, name, old.N+1)}
	if old.Wrong {
		t.Incident, t.Since = old.Incident, old.Since
	}
	w.troubles[about+" "+name] = t
	w.k.Trouble(t)
}
