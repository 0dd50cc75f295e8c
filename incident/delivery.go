package incident

import (
	"fmt"
	"time"

	"netmon/wire"
)

// Delivery takes what became of a notice. Of an older notice only that it was sent counts.
func (k *Keeper) Delivery(d wire.Delivery) {
	inc := k.byID[d.Incident]
	if inc == nil {
		return
	}
	c := inc.channel(d.Channel)
	if c == nil || c.Deleted || d.N == 0 || d.N > c.N {
		return
	}
	if d.N < c.N {
		if d.At.After(c.Unheard) && !c.Unheard.IsZero() {
			c.Unheard = d.At.UTC() // somebody sends for it
			k.markChanged(inc)
		}
		if d.Outcome == wire.Sent && !c.Notified {
			c.Notified = true
			k.markChanged(inc)
		}
		return
	}
	switch {
	case c.Outcome == wire.Sent, c.Outcome == d.Outcome && c.Error == clipJSON(d.Error, mostText):
		return
	case c.Outcome == wire.Undelivered && d.Outcome != wire.Sent:
		return
	}
	c.Unheard = time.Time{}
	c.Outcome, c.At, c.Error = d.Outcome, d.At.UTC(), clipJSON(d.Error, mostText)
	switch d.Outcome {
	case wire.Sent:
		c.Notified, c.Delivered, c.Error = true, c.N, ""
		c.Shown = min(max(c.Shown, d.Shown), inc.N)
		k.log(inc, wire.EntryNotified, c.Channel, fmt.Sprintf("%s was notified: %s", c.Channel, c.Reason))
	case wire.Undelivered:
		c.Delivered = c.N
		k.log(inc, wire.EntryUndelivered, c.Channel, fmt.Sprintf("%s could not be notified: %s", c.Channel, d.Error))
	}
	k.markChanged(inc)
}
