package console

import (
	"maps"
	"slices"

	"netmon/incident"
	"netmon/judge/replay"
	"netmon/wire"
)

// BacktestNotices is what one channel would have been sent.
type BacktestNotices struct {
	Channel string      `json:"channel"`
	Saved   NoticeCount `json:"saved"` // by the rules that are saved
	Tried   NoticeCount `json:"tried"` // by those that are tried
}

// NoticeCount is how many messages a channel would have been sent.
type NoticeCount struct {
	Messages  int                 `json:"messages"`
	Incidents int                 `json:"incidents"` // that these are about
	Reasons   map[wire.Reason]int `json:"reasons"`
}

// Differs says whether the two differ.
func (n *BacktestNotices) Differs() bool {
	return n.Saved.Incidents != n.Tried.Incidents || !maps.Equal(n.Saved.Reasons, n.Tried.Reasons)
}

// TriedSettings are the saved settings as if wanted were applied: what has the same
// name is replaced, and where prune is given, what wanted speaks of and does not have is gone.
func TriedSettings(saved []wire.Setting, wanted Wanted, prune bool) []wire.Setting {
	out := slices.Clone(wanted.Settings)
	for _, s := range saved {
		replaced := slices.ContainsFunc(wanted.Settings, func(w wire.Setting) bool {
			return w.Sort() == s.Sort() && w.SettingName() == s.SettingName()
		})
		if !replaced && !(prune && wanted.Speaks(s.Sort())) {
			out = append(out, s)
		}
	}
	SortSettings(out)
	return out
}

// notifies says whether there is a channel to notify.
func (o *BacktestOptions) notifies() bool {
	channel := func(s wire.Setting) bool { return s.Sort() == wire.SortChannel }
	return slices.ContainsFunc(o.Settings, channel) || slices.ContainsFunc(o.TriedSettings, channel)
}

// checkTriedSettings looks for channels and monitors that are named by what is tried,
// and not there.
func checkTriedSettings(monitors []wire.Saved, saved, settings []wire.Setting) error {
	k := newKnown(settings)
	k.monitors = map[string]bool{}
	for _, m := range monitors {
		k.monitors[m.Name] = true
	}
	var p wire.Problems
	for _, s := range settings {
		if slices.Contains(saved, s) {
			continue // it is as it is
		}
		p.Add(pathOf(s), k.check(s))
	}
	if err := p.Err(); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// countNotices counts what settings would have sent about what was decided, and about
// error budgets.
func countNotices(settings []wire.Setting, monitors []wire.Saved, r *replay.Replay, budgets []wire.Trouble, o replay.Options) []incident.ChannelCount {
	past := incident.Past{Settings: settings, Monitors: monitors, From: o.From, To: o.To}
	for _, c := range r.Changes {
		past.Changes = append(past.Changes, incident.Change{Verdict: c.Monitor, Agent: c.Agent, Mesh: c.Mesh})
	}
	for i := range budgets {
		past.Changes = append(past.Changes, incident.Change{Trouble: &budgets[i]})
	}
	slices.SortStableFunc(past.Changes, func(a, b incident.Change) int { return a.At().Compare(b.At()) })
	return incident.Count(past)
}

func compareNotices(saved, tried []incident.ChannelCount) []BacktestNotices {
	of := map[string]*BacktestNotices{}
	put := func(list []incident.ChannelCount, side func(*BacktestNotices) *NoticeCount) {
		for _, c := range list {
			if of[c.Channel] == nil {
				of[c.Channel] = &BacktestNotices{Channel: c.Channel, Saved: NoticeCount{Reasons: map[wire.Reason]int{}}, Tried: NoticeCount{Reasons: map[wire.Reason]int{}}}
			}
			*side(of[c.Channel]) = NoticeCount{c.Total, c.Incidents, c.Notices}
		}
	}
	put(saved, func(n *BacktestNotices) *NoticeCount { return &n.Saved })
	put(tried, func(n *BacktestNotices) *NoticeCount { return &n.Tried })
	out := make([]BacktestNotices, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, *of[name])
	}
	return out
}
