package incident

import (
	"time"

	"netmon/wire"
)

// owedFor is how long the end of an incident is kept for a channel that cannot be told it,
// since it is paused or nobody sends for it: what is older is told to nobody.
const owedFor = 7 * 24 * time.Hour

// tellEnd tells everybody for whom a notice was decided that it is over.
func (k *Keeper) tellEnd(inc *incident) {
	for i := range inc.Channels {
		if c := &inc.Channels[i]; k.owesEnd(inc, c) && k.usable(c.Channel) {
			k.tell(inc, c.Channel, wire.ReasonResolved, c.Rule)
		}
	}
	k.tellMissed(inc)
}

// owesEnd says whether a channel is to be told that an incident is over, when it can be.
// What is muted waits for as long as it is, and is told when it is not any more.
func (k *Keeper) owesEnd(inc *incident, c *wire.ChannelState) bool {
	return c.N > 0 && !c.Deleted && !inc.knowsEnd(c) &&
		(k.isMuted(inc) || inc.Marks.Unmuted == inc.next() || k.now.Before(inc.Resolved.Add(owedFor)))
}

// knowsEnd says whether the newest notice of a channel tells that the incident is over, or
// none has to.
func (inc *incident) knowsEnd(c *wire.ChannelState) bool {
	return c.Of >= inc.Marks.Ended || inc.isEvent()
}

// owes says whether there is something that a channel is not told of a resolved incident,
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

// owedUntil is when what channels are not told of a resolved incident is old. Zero is
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

// finished says that everybody who was told of an incident knows its end.
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

// channelDeleted notes that a channel was deleted: another one of its name is told nothing
// of what this one was told.
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
			k.log(inc, wire.EntryUndelivered, name, name+" could not be told: the channel was deleted")
		}
		k.markChanged(inc)
	}
}
