package console

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console/view"
	"netmon/internal/tail"
	"netmon/wire"
)

// followVerdicts keeps the mesh up with the verdicts of the controller that leads, or,
// where none does, with those that are made here.
func (m *Model) followVerdicts(ctx context.Context, ready func()) error {
	ctx, stop := context.WithCancel(ctx)
	turns, lost := make(chan bool), make(chan error, 1)
	go func() {
		lost <- m.c.followLead(ctx, func(leads bool) {
			select {
			case turns <- leads:
			case <-ctx.Done():
			}
		})
	}()
	ended, end := make(chan error, 1), func() {}
	defer func() {
		stop()
		end()
	}()
	for {
		select {
		case leads := <-turns:
			end()
			do := m.judgeHere
			if leads {
				do = m.followLeader
			}
			one, cancel := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := do(one, ready); one.Err() == nil {
					ended <- err
				}
			}()
			end = func() {
				cancel()
				<-done
			}
		case err := <-ended:
			stop()
			<-lost
			return err
		case err := <-lost:
			return err
		}
	}
}

// followLeader gives the mesh the newest verdicts, and of each one that comes.
func (m *Model) followLeader(ctx context.Context, ready func()) error {
	const what = "follow the verdicts"
	t, err := tail.Open(ctx, m.c.js, wire.VerdictsStream, tail.From{Subjects: verdictSubjects(m.o.Names), Last: true, Gather: m.o.Gather})
	if err != nil {
		return noMesh(what, err)
	}
	defer t.Stop()
	t.Trouble = troubles(what, func(err error) { m.trouble(PartVerdicts, err) })
	var all view.Verdicts
	left := t.Left()
	begin := func() error {
		left = 0
		m.mesh.Judged(all, time.Now())
		all = view.Verdicts{}
		err := m.lookBack(ctx)
		ready()
		return err
	}
	if left == 0 {
		if err := begin(); err != nil {
			return err
		}
	}
	for {
		msg, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh(what, err)
		}
		switch {
		case left == 0:
			m.takeVerdict(msg)
			m.signalChange()
			continue
		default:
			gather(&all, msg)
		}
		if left--; left == 0 || meta.NumPending == 0 {
			if err := begin(); err != nil {
				return err
			}
		}
	}
}

// verdictSubjects are those of some monitors, of all agents, and of the mesh.
func verdictSubjects(names []string) []string {
	if names = few(names); len(names) == 0 {
		return []string{wire.AllVerdicts}
	}
	subjects := []string{wire.AllAgentVerdicts, wire.MeshVerdictSubject}
	for _, name := range names {
		if s, err := wire.GroupVerdictSubject(name); err == nil { // it may be a group's
			subjects = append(subjects, s)
		}
	}
	for _, name := range names {
		if s, err := wire.VerdictSubject(name); err == nil {
			subjects = append(subjects, s)
		}
		if s, err := wire.PlacementSubject(name); err == nil {
			subjects = append(subjects, s)
		}
	}
	return subjects
}

// gather adds what a message says. What cannot be read is of a newer judge.
func gather(all *view.Verdicts, msg *nats.Msg) {
	switch {
	case wire.IsAgentVerdict(msg.Subject):
		if x, err := wire.DecodeAgentVerdict(msg.Subject, msg.Data); err == nil {
			all.Agents = append(all.Agents, x)
		}
	case wire.IsMonitorVerdict(msg.Subject):
		if x, err := wire.DecodeVerdict(msg.Subject, msg.Data); err == nil {
			all.Monitors = append(all.Monitors, x)
		}
	case wire.IsGroupVerdict(msg.Subject):
		if x, err := wire.DecodeGroupVerdict(msg.Subject, msg.Data); err == nil {
			all.Groups = append(all.Groups, x)
		}
	case wire.IsPlacement(msg.Subject):
		if x, err := wire.DecodePlacement(msg.Subject, msg.Data); err == nil {
			all.Placed = append(all.Placed, x)
		}
	case msg.Subject == wire.MeshVerdictSubject:
		if x, err := wire.DecodeMeshVerdict(msg.Subject, msg.Data); err == nil {
			all.Mesh = x
		}
	}
}

func (m *Model) takeVerdict(msg *nats.Msg) {
	var one view.Verdicts
	gather(&one, msg)
	now := time.Now()
	for _, x := range one.Monitors {
		if m.names == nil || m.names[x.Monitor] {
			m.mesh.Verdict(x, now)
		}
	}
	for _, x := range one.Placed {
		m.mesh.Placed(x, now)
	}
	for _, x := range one.Agents {
		m.mesh.AgentVerdict(x)
	}
	for _, x := range one.Groups {
		m.mesh.GroupVerdict(x)
	}
	if one.Mesh.N > 0 {
		m.mesh.MeshVerdict(one.Mesh)
	}
}

// lookedBack is of how many monitors it is looked up what their last change was.
const lookedBack = 100

// lookBack finds out of monitors that were changed since they were judged whether they
// still measure the same: their verdicts hold then.
func (m *Model) lookBack(ctx context.Context) error {
	outdated := m.mesh.Outdated()
	since, err := m.since(ctx, outdated[:min(len(outdated), lookedBack)])
	for name, revision := range since {
		m.mesh.MeasuredSince(name, revision, time.Now())
	}
	return err
}

// since looks up since which revision monitors measure what they measure now.
func (m *Model) since(ctx context.Context, names []string) (map[string]uint64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	store, err := m.c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	since := map[string]uint64{}
	for _, name := range names {
		history, err := store.History(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		default:
			if revision := measuredSince(history); revision > 0 {
				since[name] = revision
			}
		}
	}
	return since, nil
}

// measuredSince is the oldest revision from which on a monitor measured what it
// measures now; 0 where it is not saved. The history is that of [Store.History].
func measuredSince(history []Revision) (since uint64) {
	i := slices.IndexFunc(history, func(r Revision) bool { return r.Saved == nil })
	if i < 0 {
		i = len(history)
	}
	for _, r := range history[:i] {
		if !r.Saved.SameMeasurement(history[0].Saved.Monitor) {
			break
		}
		since = r.Revision
	}
	return since
}
