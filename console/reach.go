package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// Reach is how far back the results of one monitor on one agent go: the one, of those
// that were looked at, whose oldest result is the youngest.
type Reach struct {
	Monitor string    `json:"monitor"`
	Agent   string    `json:"agent"`
	First   time.Time `json:"first"` // when its oldest result came
	Results uint64    `json:"results"`
	Looked  int       `json:"looked_at"` // pairs of monitor and agent, those with the most results
	Of      int       `json:"of"`        // pairs in the stream
}

// reachSample is how many pairs are looked at: one request each. The broker counts
// results by subject and keeps no times of them.
const reachSample = 20

// shortest looks at the pairs that have the most results: the limit of a pair cuts
// off these first, and what is young has few. It is nil where nothing is stored.
func (c *Client) shortest(ctx context.Context, s jetstream.Stream) (*Reach, error) {
	info, err := c.info(ctx, s, jetstream.WithSubjectFilter(wire.AllResults))
	if err != nil {
		return nil, err
	}
	type pair struct {
		subject string
		results uint64
		first   time.Time
		err     error
	}
	var pairs []pair
	for subject, n := range info.State.Subjects {
		pairs = append(pairs, pair{subject: subject, results: n})
	}
	of := len(pairs)
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.results, a.results), strings.Compare(a.subject, b.subject))
	})
	pairs = pairs[:min(of, reachSample)]
	ctx, done := c.denials.during(ctx)
	defer done()
	var asking sync.WaitGroup
	for i := range pairs {
		p := &pairs[i]
		asking.Go(func() {
			m, err := retry.First(ctx, c.js, s, p.subject)
			if p.err = denied(ctx, err); err == nil {
				p.first = m.Time.UTC()
			}
		})
	}
	asking.Wait()
	var least *Reach
	for _, p := range pairs {
		switch {
		case errors.Is(p.err, jetstream.ErrMsgNotFound): // the last of them went meanwhile
			continue
		case p.err != nil:
			return nil, p.err
		case least != nil && !p.first.After(least.First):
			continue
		}
		agent, monitor, _ := strings.Cut(strings.TrimPrefix(p.subject, "results."), ".")
		least = &Reach{Monitor: monitor, Agent: agent, First: p.first, Results: p.results, Looked: len(pairs), Of: of}
	}
	return least, nil
}

// onDisk is what the messages of a stream take there, bytes: by what the broker
// measured of their compression, or what the stream counts where nothing is
// compressed. 0 is not known.
func onDisk(info *jetstream.StreamInfo) uint64 {
	if info.Config.Compression == jetstream.NoCompression {
		return info.State.Bytes
	}
	saved, err := strconv.ParseFloat(info.Config.Metadata[wire.CompressionKey], 64)
	if err != nil || saved <= 0 {
		return 0
	}
	return uint64(float64(info.State.Bytes) / saved)
}
