package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/incident"
	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// errAnew says that a stream is not the one any more that it was.
var errAnew = errors.New("a stream was made again: history is read from its beginning")

// open brings the file to where the streams can be read on, and begins to read them.
func (g *feeding) open(ctx context.Context) error {
	var infos []*jetstream.StreamInfo
	for _, name := range []string{wire.ResultsStream, wire.VerdictsStream} {
		s, err := retry.Stream(ctx, g.js, name)
		if err != nil {
			return fmt.Errorf("open stream %s: %w", name, err)
		}
		infos = append(infos, s.CachedInfo())
	}
	if _, err := g.file.Stream(ctx, Life(infos[0].Created, infos[1].Created)); err != nil {
		return err
	}
	at := g.file.Position()
	state := infos[0].State
	if gone := int64(state.FirstSeq) - int64(at.Results) - 1; at.Results > 0 && gone > 0 { // #nosec G115 -- sequences
		g.Log.Warn("results are gone that history has not seen: the hours that other controllers published fill the gap", "gone", gone, "since", at.Stored)
		g.file.Gone(state.FirstSeq - 1)
		g.status.gap(Gap{From: at.Stored, To: state.FirstTime, Results: uint64(gone)}) // #nosec G115 -- over 0
	}
	since := at.Stored
	if since.IsZero() {
		since = time.Now()
	}
	g.windows = incident.NewMaintenance(since)
	if err := g.openSaved(ctx); err != nil {
		return err
	}
	hours, err := g.importHours(ctx, at.Stored)
	if err != nil {
		return err
	}
	g.readers.Go(func() { defer hours.Stop(); g.end("follow stream "+wire.HistoryStream, g.readHours(ctx, hours)) })

	g.follow(ctx, infos[0].Created, at.Results)
	verdicts, err := tail.Open(ctx, g.js, wire.VerdictsStream, tail.From{After: at.Verdicts, Subjects: verdictSubjects()})
	if err != nil {
		return fmt.Errorf("follow stream %s: %w", wire.VerdictsStream, err)
	}
	g.readers.Go(func() {
		defer verdicts.Stop()
		g.end("follow stream "+wire.VerdictsStream, g.readVerdicts(ctx, verdicts))
	})
	left := uint64(0)
	if state.Msgs > 0 {
		left = state.LastSeq - min(state.LastSeq, max(at.Results, state.FirstSeq-1))
	}
	g.status.opened(state.LastSeq, left, g.file.Stats())
	return nil
}

// end tells why a reader ended.
func (g *feeding) end(what string, err error) {
	select {
	case g.failed <- fmt.Errorf("%s: %w", what, err):
	default: // others ended before
	}
}
