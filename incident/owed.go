package incident

import (
	"time"

	"netmon/wire"
)

// owedFor is how long the end of an incident is kept for a channel that cannot be notified of it,
// since it is paused or nobody sends for it: what is older is sent to nobody.
const owedFor = 7 * 24 * time.Hour

// notifyEnd notifies every channel for which a notice was decided that it is over.
func (k *Keeper) notifyEnd(inc *incident) {
	for i := range inc.Channels {
		if c := &inc.Channels[i]; k.owesEnd(inc, c) && k.usable(c.Channel) {
			k.notify(inc, c.Channel, wire.ReasonResolved, c.Rule)
		}
	}
	k.notifyMissed(inc)
}

// owesEnd says whether a channel is to be notified that an incident is over, when it can be.
// What is muted waits for as long as it is, and is sent when it is no longer muted.
func (k *Keeper) owesEnd(inc *incident, c *wire.ChannelState) bool {
	return c.N > 0 && !c.Deleted && !inc.knowsEnd(c) &&
		(k.isMuted(inc) || inc.Marks.Unmuted == inc.next() || k.now.Before(inc.Resolved.Add(owedFor)))
}

// knowsEnd says whether the newest notice of a channel says that the incident is over, or
// none has to.
func (inc *incident) knowsEnd(c *wire.ChannelState) bool {
	return c.Of >= inc.Marks.Ended || inc.isEvent()
}

// owes says whether there is something that a channel was not sent of a resolved incident,
// and is to be.
func (k *Keeper) owes(inc *incident, c *wire.ChannelState) bool {
	if to := k.channels[c.Channel]; to == nil || to.Kind == wire.KindDeadman || c.N == 0 || c.Deleted {
		return false
	}
	if k.owesEnd(inc, c) {
		return true
	}
	waits := c.N > c.Delivered && inc.knowsEnd(c)
	return (waits || k.fallbackOf(inc, c) != "") && (k.isMuted(inc) || k.now.Before(c.Decided.Add(owedFor)))
}

// owedUntil is when what channels were not sent of a resolved incident is old. Zero is
// never.
func (k *Keeper) owedUntil(inc *incident) (next time.Time) {
	for i := range inc.Channels {
		c := &inc.Channels[i]
		for _, at := range []time.Time{inc.Resolved.Add(owedFor), c.Decided.Add(owedFor)} {
			if k.owes(inc, c) && at.After(k.now) {
				next = sooner(next, at)
			}
		}
	}
	return next
}

// finished says that everybody who was notified of an incident knows its end.
func (k *Keeper) finished(inc *incident) bool {
	for i := range inc.Channels {
		if k.owes(inc, &inc.Channels[i]) {
			return false
		}
	}
	return true
}

// renotify gives the notices of a channel again that were not delivered.
func (k *Keeper) renotify(channel string) {
	for _, inc := range k.sorted() {
		if c := inc.channel(channel); c != nil && c.N > c.Delivered && c.Of <= inc.N {
			k.news = append(k.news, noticeOf(inc, c))
		}
	}
}

// channelDeleted notes that a channel was deleted: another one of its name is sent nothing
// of what this one was sent.
func (k *Keeper) channelDeleted(name string) {
	if !k.started {
		k.deleted = append(k.deleted, name)
		return
	}
	for _, inc := range k.sorted() {
		c := inc.channel(name)
		if c == nil || c.N == 0 || c.Deleted || inc.State != wire.IncidentOpen && c.N <= c.Delivered && inc.knowsEnd(c) {
			continue
		}
		c.Deleted, c.Unheard = true, time.Time{}
		if c.N > c.Delivered {
			c.Outcome, c.At, c.Error, c.Delivered = wire.Undelivered, k.now, "the channel was deleted", c.N
			k.log(inc, wire.EntryUndelivered, name, name+" could not be notified: the channel was deleted")
		}
		k.markChanged(inc)
	}
}
