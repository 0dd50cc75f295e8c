package agent

import (
	"maps"
	"reflect"
	"time"

	"netmon/wire"
)

// durable is what the state file holds of a set. It changes by its methods alone,
// which note whether anything did: a command that changed nothing writes no file.
type durable struct {
	store    string // the life of the bucket that managed monitors come from
	revision uint64 // of that bucket, as the last sync knew it
	entries  map[string]*entry
	// gone remembers at which revision a monitor was stopped, so that an older
	// start that arrives late changes nothing. A sync clears what it knows better.
	gone  map[string]uint64
	dirty bool // it is not what was saved last
}

// durableEntry is what is kept from one monitor.
type durableEntry struct {
	monitor wire.Monitor
	store   string
	touched uint64 // revision of the last command about it
	by      string // who started it by hand, as the broker says
	// since is when it began to run as it does: before that it owes nothing.
	since time.Time
}

// replace sets one value.
func replace[T comparable](d *durable, at *T, v T) {
	d.dirty = d.dirty || *at != v
	*at = v
}

// adopt takes the first bucket that a command names as the one to follow.
// Another one takes its place only by a sync.
func (d *durable) adopt(store string) {
	if d.store == "" {
		replace(d, &d.store, store)
	}
}

// follow turns to a bucket; what was known of another one does not count in it.
func (d *durable) follow(store string) {
	if d.store == store {
		return
	}
	d.store, d.revision, d.dirty = store, 0, true
	clear(d.gone)
}

func (d *durable) reach(revision uint64) { replace(d, &d.revision, revision) }

// put keeps a monitor under a name. Its parts that are not kept are its owner's.
func (d *durable) put(name string, e *entry, v durableEntry) {
	old := d.entries[name]
	d.dirty = d.dirty || old == nil || !reflect.DeepEqual(old.durableEntry, v)
	e.durableEntry = v
	d.entries[name] = e
}

// began notes that a monitor begins to run now.
func (d *durable) began(e *entry) { replace(d, &e.since, time.Now().UTC().Round(0)) }

func (d *durable) remove(name string) {
	d.dirty = d.dirty || d.entries[name] != nil
	delete(d.entries, name)
}

func (d *durable) touch(e *entry, revision uint64) { replace(d, &e.touched, max(e.touched, revision)) }

func (d *durable) credit(e *entry, by string) { replace(d, &e.by, by) }

// away remembers at which revision a monitor was stopped. What it remembers is
// bounded: instead of each one's revision, the newest of them then counts for all.
func (d *durable) away(name string, revision uint64) {
	if len(d.gone) >= wire.MaxMonitors {
		for _, at := range d.gone {
			d.reach(max(d.revision, at))
		}
		clear(d.gone)
	}
	at, known := d.gone[name]
	d.dirty = d.dirty || !known || at != revision
	d.gone[name] = revision
}

// back forgets that a monitor was stopped.
func (d *durable) back(name string) {
	_, known := d.gone[name]
	d.dirty = d.dirty || known
	delete(d.gone, name)
}

// pruneGone drops what is remembered of stopped monitors.
func (d *durable) pruneGone(which func(name string, at uint64) bool) {
	before := len(d.gone)
	maps.DeleteFunc(d.gone, which)
	d.dirty = d.dirty || len(d.gone) != before
}
