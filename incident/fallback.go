package incident

import (
	"fmt"
	"time"

	"netmon/wire"
)

// unheardFor is how long nothing is heard of a notice until the channel's fallback is notified:
// nobody may be there who can send for the channel. What is refused for now the notifier
// gives up itself.
const unheardFor = 5 * time.Minute

// fallBack notifies the fallbacks of channels that could not be notified, and gives when it may
// have to next. Zero is never.
func (k *Keeper) fallBack(inc *incident) (next time.Time) {
	for i := 0; i < len(inc.Channels); i++ {
		c := inc.Channels[i]
		if at := k.overdueAt(&c); at.After(k.now) {
			next = sooner(next, at)
		}
		name := k.fallbackOf(inc, &c)
		if name == "" {
			continue
		}
		told := k.notify(inc, name, wire.ReasonFallback, c.Rule)
		if told == nil {
			continue
		}
		told.Fallback = c.Channel
		k.news[len(k.news)-1] = noticeOf(inc, told)
		if at := k.overdueAt(told); at.After(k.now) {
			next = sooner(next, at)
		}
		if c.Outcome != wire.Undelivered {
			k.log(inc, wire.EntryUndelivered, c.Channel, fmt.Sprintf("%s could not be notified for %v: notifying %s instead", c.Channel, wire.Duration(unheardFor), name))
		}
	}
	return next
}

// overdueAt is when a channel of which nothing is heard counts as one that could not be
// notified. Zero is never: it is heard of, or has nobody who could be notified instead.
func (k *Keeper) overdueAt(c *wire.ChannelState) time.Time {
	if c.Outcome != "" || c.N <= c.Delivered || !k.usable(c.Channel) || !k.usable(k.channels[c.Channel].Fallback) {
		return time.Time{}
	}
	return firstTime(c.Unheard, c.Decided).Add(unheardFor)
}

// failed says whether a channel could not be notified.
func (k *Keeper) failed(c *wire.ChannelState) bool {
	at := k.overdueAt(c)
	return c.Outcome == wire.Undelivered || !at.IsZero() && !at.After(k.now)
}

// fallbackOf is the channel that has to be notified in place of c, "" is none.
func (k *Keeper) fallbackOf(inc *incident, c *wire.ChannelState) string {
	if k.channels[c.Channel] == nil || c.Deleted || !k.failed(c) {
		return ""
	}
	name := k.channels[c.Channel].Fallback
	if name == "" || !k.usable(name) {
		return ""
	}
	if to := inc.channel(name); to != nil && !to.Deleted && (to.Of >= c.Of || k.failed(to)) {
		return ""
	}
	return name
}
