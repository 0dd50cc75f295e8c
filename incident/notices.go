package incident

import (
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// want is how a channel is to be notified of an incident: the shortest times of all rules
// that choose it.
type want struct {
	direct               bool // by a rule's to
	wait, update, repeat time.Duration
	rule                 string // with the shortest wait, the first by name
	steps                []step // escalations
}

// step is one escalation to the channel.
type step struct {
	after time.Duration
	rule  string
}

// plan is who is to be notified of what is wrong and not muted.
func (k *Keeper) plan(inc *incident) map[string]*want {
	plan := map[string]*want{}
	doc := &wire.SeverityDoc{Wait: 10 * time.Second, Repeat: 24 * time.Hour}
	if rank := severityRank(inc.Severity); rank < len(wire.Severities) {
		doc = &wire.Severities[rank]
	}
	if len(k.rules) == 0 {
		if inc.open > inc.muted {
			for name := range k.channels {
				if !k.isFallback(name) {
					plan[name] = &want{direct: true, wait: doc.Wait, update: wire.DefaultUpdate, repeat: doc.Repeat}
				}
			}
		}
		return plan
	}
	for _, r := range k.rules {
		if inc.fits[r.Name] == 0 {
			continue
		}
		wait, update, repeat := timeOr(r.Wait, doc.Wait), timeOr(r.Update, wire.DefaultUpdate), timeOr(r.Repeat, doc.Repeat)
		choose := func(name string) *want {
			w := plan[name]
			if w == nil {
				w = &want{update: update, repeat: repeat}
				plan[name] = w
			}
			w.update = min(w.update, update)
			if repeat > 0 && (w.repeat == 0 || repeat < w.repeat) {
				w.repeat = repeat
			}
			return w
		}
		for _, name := range r.To {
			w := choose(name)
			if !w.direct || wait < w.wait {
				w.wait, w.rule = wait, r.Name
			}
			w.direct = true
		}
		for _, e := range r.Escalate {
			for _, name := range e.To {
				w := choose(name)
				w.steps = append(w.steps, step{e.After.Std(), r.Name})
			}
		}
	}
	return plan
}

func timeOr(d wire.Duration, otherwise time.Duration) time.Duration {
	if d != 0 {
		return d.Std()
	}
	return otherwise
}

// usable says whether a channel can be notified.
func (k *Keeper) usable(name string) bool {
	c := k.channels[name]
	return c != nil && !c.Paused && c.Kind != wire.KindDeadman
}

// isFallback says whether some channel that is in use falls back to this one.
func (k *Keeper) isFallback(name string) bool {
	for _, c := range k.channels {
		if c.Fallback == name && k.usable(c.Name) {
			return true
		}
	}
	return false
}

// decideNotices finds who is notified now, and when somebody is next. Zero is never.
func (k *Keeper) decideNotices(inc *incident) (next time.Time) {
	if inc.State != wire.IncidentOpen {
		k.notifyEnd(inc)
		return sooner(k.fallBack(inc), k.owedUntil(inc))
	}
	plan := k.plan(inc)
	for _, name := range slices.Sorted(maps.Keys(plan)) {
		if k.usable(name) {
			next = sooner(next, k.decideChannel(inc, name, plan[name]))
		}
	}
	for i := range inc.Channels {
		c := &inc.Channels[i]
		if plan[c.Channel] == nil && c.N > 0 && !c.Deleted && k.usable(c.Channel) && shown(c) < inc.Marks.Acked && inc.Ack != nil {
			k.notify(inc, c.Channel, wire.ReasonAcknowledged, c.Rule)
		}
	}
	return sooner(next, k.fallBack(inc))
}

// channel is what a channel knows of an incident, nil for nothing.
func (inc *incident) channel(name string) *wire.ChannelState {
	for i := range inc.Channels {
		if inc.Channels[i].Channel == name {
			return &inc.Channels[i]
		}
	}
	return nil
}

// shown is the newest message of the incident that the channel is notified of.
func shown(c *wire.ChannelState) uint64 { return max(c.Of, c.Shown) }

// decideChannel finds whether a channel is notified now, and if not when.
func (k *Keeper) decideChannel(inc *incident, name string, w *want) (next time.Time) {
	c := inc.channel(name)
	if c == nil || c.N == 0 || c.Deleted {
		return k.decideFirst(inc, name, w)
	}
	knows := shown(c)
	due := func(at time.Time) bool {
		if !at.After(k.now) {
			return true
		}
		next = sooner(next, at)
		return false
	}
	switch changed := inc.Marks.Changed > knows; {
	case inc.Flaps:
		if inc.Marks.Flapped > knows {
			k.notify(inc, name, wire.ReasonFlapping, w.rule)
		}
		return next
	case inc.Marks.Unmuted > knows:
		k.notify(inc, name, wire.ReasonUnmuted, w.rule)
	case inc.Marks.Acked > knows && inc.Ack != nil:
		k.notify(inc, name, wire.ReasonAcknowledged, w.rule)
	case inc.Marks.Still > knows, changed && worse(inc.Severity, c.Severity):
		k.notify(inc, name, wire.ReasonChanged, w.rule)
	default:
		if s, ok := k.escalation(inc, w, c.Escalated, &next); ok {
			k.notify(inc, name, wire.ReasonEscalated, s.rule)
			break
		}
		if changed && due(c.Decided.Add(w.update)) {
			k.notify(inc, name, wire.ReasonChanged, w.rule)
			break
		}
		if w.repeat > 0 && !inc.acked() && !inc.isEvent() && due(c.Decided.Add(w.repeat)) {
			k.notify(inc, name, wire.ReasonRepeated, w.rule)
		}
	}
	if c := inc.channel(name); c.Of == inc.next() {
		return k.decideAfter(inc, c, w)
	}
	return next
}

// decideAfter is when a channel that is notified now is notified again, if nothing
// happens. An escalation that is due is part of what it is sent now.
func (k *Keeper) decideAfter(inc *incident, c *wire.ChannelState, w *want) (next time.Time) {
	if inc.Flaps {
		return next
	}
	if s, ok := k.escalation(inc, w, c.Escalated, &next); ok {
		c.Escalated = s.after
	}
	if w.repeat > 0 && !inc.acked() && !inc.isEvent() {
		next = sooner(next, c.Decided.Add(w.repeat))
	}
	return next
}

// escalation is the last step that is due and was not taken. What is due later is in next.
func (k *Keeper) escalation(inc *incident, w *want, done time.Duration, next *time.Time) (last step, ok bool) {
	if inc.acked() {
		return last, false
	}
	for _, s := range w.steps {
		switch at := inc.Decided.Add(s.after); {
		case s.after <= done:
		case at.After(k.now):
			*next = sooner(*next, at)
		case !ok || s.after > last.after:
			last, ok = s, true
		}
	}
	return last, ok
}

// decideFirst finds whether a channel is notified of the incident for the first time.
func (k *Keeper) decideFirst(inc *incident, name string, w *want) (next time.Time) {
	reason := wire.ReasonOpened
	if inc.Flaps {
		reason = wire.ReasonFlapping
	}
	if w.direct {
		if at := inc.Decided.Add(w.wait); at.After(k.now) {
			next = sooner(next, at)
		} else if c := k.notify(inc, name, reason, w.rule); c != nil {
			return k.decideAfter(inc, c, w)
		}
	}
	if inc.Flaps {
		return next
	}
	if s, ok := k.escalation(inc, w, 0, &next); ok {
		if c := k.notify(inc, name, wire.ReasonEscalated, s.rule); c != nil {
			return k.decideAfter(inc, c, w)
		}
	}
	return next
}

// notify decides that a channel is notified of the incident. nil: as many are notified as can be.
func (k *Keeper) notify(inc *incident, name string, why wire.Reason, rule string) *wire.ChannelState {
	c := inc.channel(name)
	if c == nil {
		if len(inc.Channels) >= wire.MaxChannels {
			return nil
		}
		inc.Channels = append(inc.Channels, wire.ChannelState{Channel: name})
		c = &inc.Channels[len(inc.Channels)-1]
	}
	if c.Deleted { // it was another channel of the name
		c.Deleted, c.Escalated = false, 0
	}
	if c.Outcome != "" || c.N <= c.Delivered {
		c.Unheard = time.Time{}
	} else if c.Unheard.IsZero() {
		c.Unheard = c.Decided
	}
	c.N++
	c.Reason, c.Decided, c.Of, c.Severity = why, k.now, inc.next(), inc.Severity
	c.Outcome, c.At, c.Error, c.Fallback = "", time.Time{}, "", ""
	c.Rule = rule
	if why == wire.ReasonEscalated {
		k.log(inc, wire.EntryEscalated, name, name+" is notified, as nobody has acknowledged it")
	}
	inc.changed = true
	k.news = append(k.news, noticeOf(inc, c))
	return c
}

func noticeOf(inc *incident, c *wire.ChannelState) wire.Notice {
	return wire.Notice{Channel: c.Channel, Incident: inc.ID, N: c.N, Reason: c.Reason, Of: c.Of, At: c.Decided, Fallback: c.Fallback, Rule: c.Rule}
}
