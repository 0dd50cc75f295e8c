package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"netmon/internal/auditlog"
	"netmon/wire"
)

const (
	// notePatience is how long somebody waits for a line of the audit. Mostly it
	// is there before the next request; nobody is shut out later for it.
	notePatience = 300 * time.Millisecond
	notesMost    = 4096            // lines that wait for an audit that does not answer
	noteWithin   = 5 * time.Second // at the end, for all that wait
)

// notes brings lines to the audit, in order, whether or not who caused them waits.
type notes struct {
	audit *auditlog.Log
	log   *slog.Logger
	lines chan noted
}

type noted struct {
	line    wire.Audit
	changed bool
	written chan struct{} // closed once it is stored, counted, or lost
}

func newNotes(write func(context.Context, wire.Audit), log *slog.Logger) *notes {
	return &notes{audit: auditlog.New(write), log: log, lines: make(chan noted, notesMost)}
}

// add brings a line to the audit: see [auditlog.Log.Add]. What it returns waits a
// moment until it is there.
func (n *notes) add(line wire.Audit, changed bool) (written func()) {
	l := noted{line, changed, make(chan struct{})}
	select {
	case n.lines <- l:
	default:
		n.log.Error("audit: not stored", "by", line.By, "did", line.Did, "what", line.What, "error", "too many lines wait")
		return func() {}
	}
	return func() {
		timer := time.NewTimer(notePatience)
		defer timer.Stop()
		select {
		case <-l.written:
		case <-timer.C:
		}
	}
}

// run writes until ctx ends, and then what waits still.
func (n *notes) run(ctx context.Context) {
	counting, stop := context.WithCancel(context.WithoutCancel(ctx))
	var counter sync.WaitGroup
	counter.Go(func() { n.audit.Run(counting) })
	defer counter.Wait()
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(noteWithin, stop) })
	for {
		select {
		case <-ctx.Done():
			for len(n.lines) > 0 {
				n.write(counting, <-n.lines)
			}
			return
		case l := <-n.lines:
			n.write(counting, l)
		}
	}
}

func (n *notes) write(ctx context.Context, l noted) {
	n.audit.Add(ctx, l.line, l.changed)
	close(l.written)
}
