package status

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// Model is what is known of the mesh: a [console.Model] that follows [Parts].
type Model interface {
	Snapshot(q view.Query) view.Snapshot
	Monitors() []wire.Saved
	Settings(sorts ...wire.Sort) []wire.Setting
	Link() console.Link
	Subscribe() (changed <-chan struct{}, stop func())
	Ready() <-chan struct{} // closed when what is stored was read
}

// Parts are what a model of ours has to follow.
const Parts = console.PartStates | console.PartIncidents | console.PartSettings

// Archive answers about the past: a [console.Client].
type Archive interface {
	History(ctx context.Context, q wire.HistoryQuery) (wire.HistoryReply, error)
	Incidents(ctx context.Context, f console.IncidentFilter) ([]wire.Incident, map[string]string, error)
}

const (
	pastEach   = 5 * time.Minute  // history is asked again
	overEach   = time.Hour        // and so are incidents that a model does not keep any more
	pastSoon   = 20 * time.Second // after a service is in another state, or history did not answer
	pastWithin = 30 * time.Second
	paceLeast  = time.Second // between two pages
	share      = 9           // times as long as a page took, the keeper rests
)

// Keeper keeps the newest site.
type Keeper struct {
	model   Model
	archive Archive
	o       Options
	log     *slog.Logger
	site    atomic.Pointer[Site]
	page    *Page // of site
	past    *Past
	over    []wire.Incident // those of 90 days that were over when they were read
	overAt  time.Time       // when they were
	lost    time.Duration   // after which a broker that is away makes what is known old
	made    chan struct{}   // closed when there is a site of what is stored
}

// NewKeeper makes one that runs by Run.
func NewKeeper(m Model, a Archive, o Options, log *slog.Logger) *Keeper {
	k := &Keeper{model: m, archive: a, o: o, log: log, lost: view.Contact, made: make(chan struct{})}
	k.render(k.compose(time.Now(), false))
	return k
}

// Site is the newest one.
func (k *Keeper) Site() Site { return *k.site.Load() }

// Made is closed when there is a site of what is stored, with its past as far as there is one.
func (k *Keeper) Made() <-chan struct{} { return k.made }

// read is what history answered.
type read struct {
	past      *Past
	over      []wire.Incident
	incidents bool // over was read
	err       error
}

// Run keeps the site current until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	changed, stop := k.model.Subscribe()
	defer stop()
	select {
	case <-ctx.Done():
		return
	case <-k.model.Ready():
	}
	answers := make(chan read, 1)
	asking := true
	ask := func() {
		asking = true
		old := time.Since(k.overAt) > overEach
		go func() { answers <- k.read(ctx, old) }()
	}
	defer func() {
		if asking {
			<-answers
		}
	}()
	ask()
	k.renew(ctx)
	again, due := time.NewTimer(pastEach), time.Now().Add(pastEach)
	defer again.Stop()
	askIn := func(d time.Duration) {
		due = time.Now().Add(d)
		again.Reset(d)
	}
	first, failed := true, false
	for {
		minute := time.NewTimer(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		select {
		case <-ctx.Done():
			minute.Stop()
			return
		case <-changed:
		case <-minute.C:
		case <-again.C:
			if !asking {
				ask()
			}
			askIn(pastEach)
		case r := <-answers:
			asking = false
			if r.err != nil {
				if ctx.Err() != nil {
					return
				}
				if !failed {
					k.log.Warn("the past of the status page cannot be read: it is asked for again", "error", r.err)
				}
				failed = true
				askIn(pastSoon)
			} else {
				failed = false
				if k.past = r.past; r.incidents {
					k.over, k.overAt = r.over, time.Now()
				}
			}
			if first {
				first = false
				k.renew(ctx)
				close(k.made)
				continue
			}
		}
		minute.Stop()
		if !k.page.Past && !asking && !failed { // there is a service that nobody asked about
			ask()
		}
		if k.renew(ctx) && time.Until(due) > pastSoon { // however often states change, it is asked for
			askIn(pastSoon)
		}
	}
}

// renew makes another site where the page is another one, and says whether a service is in
// another state.
func (k *Keeper) renew(ctx context.Context) (moved bool) {
	began := time.Now()
	p := k.compose(began, true)
	if !same(k.page, &p) {
		moved = !slices.Equal(states(k.page), states(&p))
		k.render(p)
	}
	t := time.NewTimer(max(paceLeast, share*time.Since(began)))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return moved
}

// same says whether visitors would read the same; a page says of which minute it is.
func same(a, b *Page) bool {
	x, y := *a, *b
	x.At, y.At = x.At.Truncate(time.Minute), y.At.Truncate(time.Minute)
	return reflect.DeepEqual(x, y)
}

func states(p *Page) (list []State) {
	for i := range p.Sections {
		for k := range p.Sections[i].Services {
			list = append(list, p.Sections[i].Services[k].State)
		}
	}
	return list
}

func (k *Keeper) render(p Page) {
	var before Site
	if s := k.site.Load(); s != nil {
		before = *s
	}
	s, err := Make(&p, before)
	if err != nil {
		k.log.Error("the status page cannot be made", "error", err)
		return
	}
	k.site.Store(&s)
	k.page = &p
}

// compose makes the page of now.
func (k *Keeper) compose(now time.Time, ready bool) Page {
	f := Facts{At: now, Blind: !ready, Past: k.past}
	if !ready {
		return Compose(f, k.o)
	}
	o := k.o.withDefaults()
	f.Monitors, f.Settings = k.model.Monitors(), k.model.Settings(wire.SortGroup, wire.SortWindow)
	list, _ := o.choose(f.Monitors)
	q := view.Query{Sort: view.ByName, Calm: true}
	for i := range list {
		q.Names = append(q.Names, list[i].saved.Name)
	}
	if len(q.Names) == 0 {
		q.Limit = 1 // no names are all
	}
	sn := k.model.Snapshot(q)
	f.Rows = make(map[string]view.Row, len(sn.Monitors))
	for i := range sn.Monitors {
		f.Rows[sn.Monitors[i].Name] = sn.Monitors[i]
	}
	if l := k.model.Link(); !l.Lost.IsZero() && now.Sub(l.Lost) >= k.lost {
		f.Blind, f.Since = true, l.Lost
	} else if sn.Mesh.Frozen {
		f.Blind, f.Since = true, sn.Mesh.Since
	}
	f.Incidents, f.Read = merged(sn.Incidents.All, k.over), sn.Incidents.Read && sn.Incidents.Why == ""
	return Compose(f, k.o)
}

// merged are the incidents that the model knows, and of those that are over also older ones.
func merged(known []*wire.Incident, over []wire.Incident) []*wire.Incident {
	there := make(map[string]bool, len(known))
	for _, x := range known {
		there[x.ID] = true
	}
	all := slices.Clone(known)
	for i := range over {
		if !there[over[i].ID] && over[i].State != wire.IncidentOpen {
			all = append(all, &over[i])
		}
	}
	return all
}

// read asks for the past of the public monitors, and for their incidents where that is wanted.
func (k *Keeper) read(ctx context.Context, incidents bool) read {
	ctx, cancel := context.WithTimeout(ctx, pastWithin)
	defer cancel()
	o, now := k.o.withDefaults(), time.Now()
	list, _ := o.choose(k.model.Monitors())
	if len(list) == 0 {
		return read{past: NewPast(nil, nil, now)}
	}
	q := wire.HistoryQuery{What: wire.HistoryVerdicts, From: PastFrom(now), To: now}
	for i := range list {
		q.Monitors = append(q.Monitors, list[i].saved.Name)
	}
	reply, err := k.archive.History(ctx, q)
	if err != nil {
		return read{err: err}
	}
	r := read{past: NewPast(q.Monitors, reply.Spans, now), incidents: incidents}
	if !incidents {
		return r
	}
	if r.over, _, err = k.archive.Incidents(ctx, console.IncidentFilter{All: true, From: q.From, Monitors: q.Monitors}); err != nil {
		return read{err: fmt.Errorf("read the incidents: %w", err)}
	}
	for i := range r.over { // what is not shown is not kept
		r.over[i].Log, r.over[i].Channels = nil, nil
	}
	return r
}
