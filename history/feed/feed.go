package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/history"
	"netmon/history/store"
	"netmon/incident"
	"netmon/internal/filelock"
	"netmon/wire"
)

// FileName is what the file is called in the folder of a controller's state.
const FileName = "history.db"

const (
	chunkMost  = 512              // results that are handed over at once
	addedMost  = 200_000          // results that are added, and not committed
	look       = time.Second      // how often it is looked what is due
	pruneEvery = time.Minute      // while nothing is too old; else each look
	closeAfter = 10 * time.Second // for the last commit, at a stop
	retryLeast = time.Second      // after something broke
	retryMost  = time.Minute
)

// Options of a feeder.
type Options struct {
	Folder  string                                   // where the file is; it is made
	Connect func(...nats.Option) (*nats.Conn, error) // as the controller
	Figures func(kind string) []history.Figure       // phases of a kind's runs; may be nil
	// Check says whether the mesh let something be saved; nil: it lets everybody.
	Check func(subject, operation, accepted, proof string, data []byte) error
	Log   *slog.Logger
}

// Feeder is the history of one controller.
type Feeder struct {
	Options
	addedMost    int           // results that are added, and not committed
	commitEvery  time.Duration // 0 is as the file wants it
	publishEvery time.Duration // closed hours are looked for, while there are few

	leads  atomic.Bool // this controller
	offers *offers
	status status

	using sync.RWMutex // held for reading while a question is answered
	file  *store.Store // nil while there is none
}

// New makes a feeder. Run it.
func New(o Options) *Feeder {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Feeder{Options: o, addedMost: addedMost, publishEvery: publishEvery, offers: newOffers()}
}

// Lead publishes closed hours until ctx ends.
func (f *Feeder) Lead(ctx context.Context) error {
	f.leads.Store(true)
	defer f.leads.Store(false)
	<-ctx.Done()
	return ctx.Err()
}

// Run feeds the file and answers until ctx ends. What breaks is logged, told to who asks,
// and tried again for ever.
func (f *Feeder) Run(ctx context.Context) {
	f.again(ctx, func() error {
		nc, err := f.Connect(nats.Name("netmon history"), nats.IgnoreAuthErrorAbort(), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		within, cancel := context.WithCancel(ctx)
		var answering sync.WaitGroup
		defer answering.Wait()
		defer cancel()
		answering.Go(func() { f.answer(within, nc) })
		f.again(ctx, func() error { return f.keep(ctx, nc, js) })
		return ctx.Err()
	})
}

// again does something until ctx ends, and waits ever longer where it breaks.
func (f *Feeder) again(ctx context.Context, do func() error) {
	told := ""
	for wait := retryLeast; ; wait = min(2*wait, retryMost) {
		begin := time.Now()
		err := do()
		if ctx.Err() != nil {
			return
		}
		f.status.broke(err)
		if time.Since(begin) > retryMost {
			wait, told = retryLeast, ""
		}
		if err.Error() != told {
			told = err.Error()
			f.Log.Warn("history is not kept for now, and what is missing comes later", "file", f.path(), "error", err)
		}
		if rest(ctx, wait) != nil {
			return
		}
	}
}

func (f *Feeder) path() string { return filepath.Join(f.Folder, FileName) }

// keep opens everything, and feeds until something breaks.
func (f *Feeder) keep(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) (err error) {
	if err := os.MkdirAll(f.Folder, 0o700); err != nil {
		return err
	}
	lock, err := filelock.Take(filepath.Join(f.Folder, "netmon.lock"))
	if errors.Is(err, filelock.ErrTaken) {
		return fmt.Errorf("folder %s: another controller of this host keeps history there: give this one another --state", f.Folder)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	var g *feeding
	file, err := store.Open(ctx, f.path(), store.Options{Log: f.Log, Figures: f.Figures, Saved: func(monitor string) bool { return g.windows.Knows(monitor) }})
	if err != nil {
		return fmt.Errorf("open the file of history: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if aside := file.Stats().AsideTo; aside != "" {
		f.Log.Error("the file of history was damaged, and is made again from what the broker has", "file", f.path(), "set_aside", aside)
	}
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	g = &feeding{Feeder: f, nc: nc, js: js, file: file, readers: &readers,
		last: map[string]uint64{}, results: make(chan []Result, 2), verdicts: make(chan []verdict, 2), hours: make(chan []stored, 2), published: make(chan published, 1), saved: make(chan saved, 64), failed: make(chan error, 8)}
	if err := g.open(ctx); err != nil {
		return err
	}
	f.show(file)
	defer f.show(nil)
	f.offers.take(true)
	defer f.offers.take(false)
	return g.run(ctx)
}

// show lets questions be answered from a file, or from none any more: it returns when
// those that are being answered are.
func (f *Feeder) show(file *store.Store) {
	f.using.Lock()
	defer f.using.Unlock()
	f.file = file
}

// feeding is a feeder while it feeds. It is for one goroutine.
type feeding struct {
	*Feeder
	nc      *nats.Conn
	js      jetstream.JetStream
	file    *store.Store
	inode   os.FileInfo // of the file
	readers *sync.WaitGroup

	results   chan []Result
	verdicts  chan []verdict
	hours     chan []stored // of the stream HISTORY
	published chan published
	saved     chan saved
	failed    chan error // why it ends

	windows *incident.Maintenance

	last       map[string]uint64  // number of the last message of each subject of HISTORY that was heard of
	heard      []wire.HistoryHour // that are published, and may not be in the file yet
	publishing bool
	looked     time.Time // for hours to publish, when there were few

	added     int       // results since the last commit
	committed time.Time // when that was
	full      error     // why nothing can be committed, nor read on
	pruned    time.Time

	judged time.Time // what was judged until then is known
	behind uint64    // verdicts that are stored behind the last one that was read
}

// run feeds until ctx ends or something breaks. What was added is committed at a stop,
// also at one that ends a commit before it is done.
func (g *feeding) run(ctx context.Context) error {
	err := g.feed(ctx)
	if ctx.Err() == nil {
		return err
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeAfter)
	defer cancel()
	return g.file.Commit(within, g.now())
}

func (g *feeding) feed(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	g.committed = time.Now()
	for {
		results, verdicts := g.results, g.verdicts
		if g.full != nil && g.added > g.addedMost {
			results, verdicts = nil, nil // the broker keeps them
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-g.failed:
			return errors.Join(err, g.file.Commit(ctx, g.now()))
		case chunk := <-results:
			for i := range chunk {
				if r := &chunk[i]; r.Result != nil {
					g.file.Add(r.Result, r.Sequence, r.Stored)
				} else {
					g.file.Unreadable(r.Sequence, r.Stored)
				}
			}
			g.added += len(chunk)
			g.status.reached(chunk[len(chunk)-1])
		case chunk := <-verdicts:
			g.addVerdicts(chunk)
		case x := <-g.saved:
			g.applySaved(x)
		case chunk := <-g.hours:
			g.heardHours(chunk)
		case p := <-g.published:
			if err := g.sent(ctx, p); err != nil {
				return err
			}
		case <-tick.C:
			if err := g.due(ctx); err != nil {
				return err
			}
		}
		if g.added > g.addedMost && g.full == nil {
			if err := g.commit(ctx); err != nil {
				return err
			}
		}
	}
}

// due does what is to be done from time to time.
func (g *feeding) due(ctx context.Context) error {
	if err := g.present(); err != nil {
		return err
	}
	if g.behind == 0 { // else windows open and close between the verdicts that come next
		g.advance(time.Now())
	}
	every := cmp.Or(g.commitEvery, g.file.CommitEvery())
	if g.full != nil {
		every = retryFull
	}
	if time.Since(g.committed) >= every {
		if err := g.commit(ctx); err != nil {
			return err
		}
	}
	if g.full != nil {
		return nil
	}
	if g.leads.Load() && g.status.near() {
		if err := g.publish(ctx); err != nil {
			return err
		}
	}
	if time.Since(g.pruned) < pruneEvery {
		return nil
	}
	more, err := g.file.Prune(ctx, time.Now())
	if !more {
		g.pruned = time.Now()
	}
	return err
}

// retryFull is how often it is tried to write to a disk that is full.
const retryFull = 5 * time.Second

// commit writes what was added. On a full disk it stays in memory, up to a bound, and is
// written once there is room.
func (g *feeding) commit(ctx context.Context) error {
	err := g.file.Commit(ctx, g.now())
	g.committed = time.Now()
	if err == nil {
		g.added = 0
	}
	if wasFull := g.full; (err == nil) != (wasFull == nil) && ctx.Err() == nil {
		if err != nil {
			g.Log.Warn("history cannot be written, and waits", "file", g.path(), "error", err)
		} else {
			g.Log.Info("history is written again", "file", g.path())
		}
	}
	g.full = err
	g.status.wrote(err, g.file.Stats())
	switch {
	case errors.Is(err, store.ErrDamaged):
		return err
	case err != nil:
		return nil
	}
	return g.notePublished(ctx)
}

// now is the time as the file is to know it: while the newest results are not read, hours
// are not closed of which more come.
func (g *feeding) now() time.Time {
	if g.status.near() {
		return time.Now()
	}
	return g.file.Position().Stored
}

// present says that the file is not there any more, or is another one.
func (g *feeding) present() error {
	now, err := os.Stat(g.path())
	switch {
	case err != nil:
		return fmt.Errorf("the file of history is gone, and is made again from what the broker has: %w", err)
	case g.inode == nil:
		g.inode = now
	case !os.SameFile(g.inode, now):
		return errors.New("another file is in the place of that of history")
	}
	return nil
}

// Life names the life of the streams that positions are of.
func Life(results, verdicts time.Time) string {
	return wire.StoreID(results) + "/" + wire.StoreID(verdicts)
}
