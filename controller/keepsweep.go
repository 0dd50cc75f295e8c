package controller

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

const (
	sweepEvery = time.Hour
	// How long silences that are over, and acknowledgements of what is, can be looked up.
	settingsKept = 7 * 24 * time.Hour
)

// settingOf names a setting.
type settingOf struct {
	sort wire.Sort
	name string
}

// endOf is when a setting is of use to nobody: what people make by a command again and
// again would fill the bucket. An acknowledgement goes as long after the incident, too.
func endOf(s wire.Setting) time.Time {
	switch s := s.(type) {
	case *wire.Silence:
		return s.Until.Add(settingsKept)
	case *wire.Acknowledgement:
		return s.At.Add(settingsKept)
	}
	return time.Time{}
}

// sweep takes silences and acknowledgements that are over out of the bucket. It makes
// no deletions of them, which somebody would have to sign: they are gone, as if by age.
func (g *keeping) sweep(ctx context.Context, now time.Time) {
	if time.Since(g.swept) < sweepEvery {
		return
	}
	g.swept = time.Now()
	open := map[string]bool{}
	for _, i := range g.k.Open() {
		open[i.ID] = true
	}
	var over []settingOf
	for s, end := range g.settings {
		if !end.IsZero() && end.Before(now) && !(s.sort == wire.SortAck && open[g.k.Current(s.name)]) {
			over = append(over, s)
		}
	}
	if len(over) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*publishWithin)
	defer cancel()
	bucket, err := g.js.Stream(ctx, settingsStream)
	for _, s := range over {
		if err == nil {
			err = bucket.Purge(ctx, jetstream.WithPurgeSubject(settingsPrefix+string(s.sort)+"."+s.name))
		}
		if err != nil {
			g.log.Warn("could not delete a setting that is over", "sort", s.sort, "name", s.name, "error", err)
			return
		}
		delete(g.settings, s)
		g.k.RemoveSetting(s.sort, s.name)
	}
}
