package notify

import (
	"context"
	"sync"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// known are the incidents that are open, or were over a short while ago, in short. They
// are followed when the first channel asks for them.
type known struct {
	mu    sync.Mutex // guards what follows
	all   map[string]short
	whole bool // what was stored has been read

	channels map[string]bool // that are saved, and not paused
	listed   bool            // those that were saved have been read
}

// short is what is kept from an incident.
type short struct {
	resolved time.Time // zero while it is open
	broker   bool      // the mesh is silent
	channels []wire.ChannelState
}

// maxIncidents bounds how many are kept; keepResolved for how long what is over is.
const (
	maxIncidents = 20_000
	keepResolved = time.Hour
)

func newKnown() *known { return &known{all: map[string]short{}, channels: map[string]bool{}} }

// setChannel notes whether a channel exists.
func (k *known) setChannel(channel string, is bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if is {
		k.channels[channel] = true
	} else {
		delete(k.channels, channel)
	}
}

func (k *known) setComplete() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.listed = true
}

// follow reads incidents until ctx ends.
func (k *known) follow(ctx context.Context, c *connection) {
	t, err := wait(ctx, c, "the stream "+wire.IncidentsStream, func(context.Context) (*tail.Tail, error) {
		return tail.Open(ctx, c.js, wire.IncidentsStream, tail.From{Subjects: []string{wire.AllIncidents}, Last: true})
	})
	if err != nil {
		return
	}
	defer t.Stop()
	left := t.Left()
	for {
		if left == 0 {
			k.mu.Lock()
			k.whole = true
			k.mu.Unlock()
		}
		m, _, err := t.Next()
		if err != nil {
			return
		}
		left = max(left, 1) - 1
		if i, err := wire.DecodeIncident(m.Subject, m.Data); err == nil {
			k.add(&i)
		}
	}
}

func (k *known) add(i *wire.Incident) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i.State == wire.IncidentMerged || i.State == wire.IncidentResolved && time.Since(i.Resolved) > keepResolved && delivered(i) {
		delete(k.all, i.ID)
		return
	}
	x := short{resolved: i.Resolved, channels: i.Channels}
	for _, m := range i.Members {
		x.broker = x.broker || m.About == wire.AboutBroker && m.Wrong()
	}
	if _, had := k.all[i.ID]; had || len(k.all) < maxIncidents {
		k.all[i.ID] = x
	}
	for id, x := range k.all { // a few each time, in no order: all of them in time
		if !x.resolved.IsZero() && time.Since(x.resolved) > 2*keepResolved {
			delete(k.all, id)
		}
		break
	}
}

// delivered says that no channel waits for a notice about it.
func delivered(i *wire.Incident) bool {
	for _, c := range i.Channels {
		if c.Delivered < c.N {
			return false
		}
	}
	return true
}

// each calls do for every incident, with those of its channels that are there to be
// notified: a notice of one that is deleted or paused waits for nobody. whole says that all
// are known.
func (k *known) each(do func(id string, x short)) (whole bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, x := range k.all {
		var channels []wire.ChannelState
		for _, c := range x.channels {
			if k.channels[c.Channel] {
				channels = append(channels, c)
			}
		}
		x.channels = channels
		do(id, x)
	}
	return k.whole && k.listed
}
