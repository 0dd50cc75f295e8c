package incident

import (
	"time"

	"netmon/wire"
)

// Keeper keeps incidents. It is for one goroutine. The zero value is not usable: New.
//
// At a start it is given in this order: what is stored (Restore, RestoreGroup), Setting,
// Monitor, then the facts that hold (Verdict, Agent, Mesh, Trouble, Delivery) and those
// that followed. The first Advance ends the start; nothing is decided before.
//
// After that it is given facts as they come, then the time, and is asked for Changes,
// which decides. Between two calls of Changes an incident changes once.
type Keeper struct {
	now     time.Time
	started bool

	channels map[string]*wire.Channel
	deleted  []string           // channels, as it was given before the start
	rules    []*wire.NoticeRule // by name
	windows  map[string]*wire.Window
	silences map[string]*wire.Silence
	groups   map[string]*group
	acks     map[string]*wire.Acknowledgement
	refit    bool // rules changed: what fits whom is found again

	mutes     []mute    // that are active
	mutesNext time.Time // when the next one begins or ends
	remute    bool      // silences or windows changed

	monitors map[string]*monitor
	frozen   bool // the mesh is silent

	seen    map[key]seen    // the newest fact about each
	closed  map[key]closed  // when it was good again last
	gone    []key           // of these what is over for good, the oldest first
	left    map[key]bool    // what is in gone
	members map[key]*member // of open incidents
	rest    map[string]*incident
	byID    map[string]*incident      // open, or with an end that not everybody was notified of
	into    map[string]string         // merged incidents
	used    usedIDs                   // of all incidents, those that are over, too
	aliases map[string][]string       // the other way
	index   map[shared][]*incident    // open ones, by what may join them
	recent  map[string][]*incident    // opened lately, by class
	dirty   []*incident               // in the order in which they changed
	timers  timerHeap                 // of incidents that wait for a time
	news    []wire.Notice             // decided and not asked for
	verdict []wire.GroupVerdict       // on groups, not asked for
	regroup map[string]*group         // whose verdict has to be found again
	done    map[string]*wire.Incident // of open ones: as Changes gave them last
}

// seen is which fact about something was taken last.
type seen struct {
	n  uint64
	at time.Time
}

// closed is when something was good again, and of which incident it was a member.
type closed struct {
	at time.Time
	in string
}

// noteEnd notes when something was good again.
func (k *Keeper) noteEnd(at key, when time.Time, in string) {
	if when.After(k.closed[at].at) {
		k.closed[at] = closed{when, in}
	}
}

// New makes a Keeper that knows of nothing.
func New() *Keeper {
	return &Keeper{
		channels: map[string]*wire.Channel{}, windows: map[string]*wire.Window{}, silences: map[string]*wire.Silence{},
		groups: map[string]*group{}, acks: map[string]*wire.Acknowledgement{}, monitors: map[string]*monitor{},
		seen: map[key]seen{}, closed: map[key]closed{}, members: map[key]*member{}, rest: map[string]*incident{}, byID: map[string]*incident{},
		into: map[string]string{}, aliases: map[string][]string{}, index: map[shared][]*incident{}, recent: map[string][]*incident{},
		regroup: map[string]*group{}, left: map[key]bool{}, done: map[string]*wire.Incident{},
	}
}

// Advance gives the time: windows, waits, repeats and escalations. It never goes back.
func (k *Keeper) Advance(now time.Time) {
	k.tick(now)
	if !k.started {
		k.start()
	}
	if k.remute || !k.mutesNext.IsZero() && !k.now.Before(k.mutesNext) {
		k.remute = true
	}
	for len(k.timers) > 0 && !k.timers[0].due.After(k.now) {
		k.markDirty(k.timers.pop())
	}
}

// tick moves the time on.
func (k *Keeper) tick(now time.Time) {
	if now.After(k.now) {
		k.now = now.UTC()
	}
}

// Next is when Advance has something to do; zero is never. While facts wait for a call
// of Changes it is now.
func (k *Keeper) Next() time.Time {
	if len(k.dirty) > 0 || len(k.regroup) > 0 || k.refit || k.remute {
		return k.now
	}
	return k.timer()
}

// timer is when time alone changes something next; zero is never.
func (k *Keeper) timer() time.Time {
	if len(k.timers) > 0 {
		return sooner(k.mutesNext, k.timers[0].due)
	}
	return k.mutesNext
}

// sooner is the earlier one; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Changes decides what follows from all that was given, and gives the incidents that
// changed since the last call, each as it is now, in the order in which they changed first.
func (k *Keeper) Changes() []wire.Incident {
	if !k.started {
		return nil
	}
	k.updateGroups()
	k.updateMutes()
	k.updateRules()
	k.mergeMany()
	var out []wire.Incident
	for i := 0; i < len(k.dirty); i++ {
		inc := k.dirty[i]
		inc.dirty = false
		k.decide(inc)
		if inc.changed {
			out = append(out, k.message(inc))
		}
		k.dropIncident(inc)
	}
	k.dirty = nil
	return out
}

// Groups are the verdicts on groups that changed since the last call; Changes finds them.
func (k *Keeper) Groups() []wire.GroupVerdict {
	out := k.verdict
	k.verdict = nil
	return out
}

// Notices are those that Changes decided since the last call; after a start, also all
// that are not known to be delivered.
func (k *Keeper) Notices() []wire.Notice {
	out := k.news
	k.news = nil
	return out
}

// Open are the incidents that are open, or whose end not everybody was notified of yet, as
// Changes gave them last, in the order of their beginning.
func (k *Keeper) Open() []wire.Incident {
	var out []wire.Incident
	for _, inc := range k.sorted() {
		if m := k.done[inc.ID]; m != nil {
			out = append(out, *m)
		}
	}
	return out
}

// markDirty has an incident decided by the next Changes.
func (k *Keeper) markDirty(inc *incident) {
	if !inc.dirty && k.started { // the start marks all
		inc.dirty = true
		k.dirty = append(k.dirty, inc)
	}
}

// Pass lets the time pass until to: what was due by then is decided when it was, in its
// order. Whoever catches up with facts of the past calls it before each, with the time of
// the fact, so that what began and ended meanwhile is treated as if nobody had been away.
// An incident may be in it several times. The start has to be over.
func (k *Keeper) Pass(to time.Time) (out []wire.Incident) {
	if !k.started {
		return nil
	}
	for {
		next, timer := k.Next(), k.timer()
		if next.IsZero() || !next.Before(to) && (timer.IsZero() || timer.After(to)) {
			return out // facts of that very time are decided with what follows
		}
		k.Advance(next)
		out = append(out, k.Changes()...)
	}
}
