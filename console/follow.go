package console

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Filter chooses results. The zero value chooses all from now on.
type Filter struct {
	Monitors []string
	Agents   []string
	Since    time.Time // from then on; zero is now
	Last     bool      // begin with the last result of each monitor on each agent
	// Odd, when not nil, is told of messages on the results' subjects that are no results.
	Odd func(error)
}

func (f Filter) subjects() ([]string, error) {
	agents, monitors := f.Agents, f.Monitors
	if len(agents) == 0 {
		agents = []string{""}
	}
	if len(monitors) == 0 {
		monitors = []string{""}
	}
	var out []string
	for _, a := range agents {
		for _, m := range monitors {
			s, err := wire.ResultsOf(a, m)
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// Follow calls take with each result that the filter chooses, in the order in
// which the stream stored them, until ctx ends, take returns an error, or the
// stream cannot be read. Nothing is left out: a broker that restarts is waited
// for, and a console that was slow goes on where it was. more says that the
// next one is here already, so that output can be gathered.
func (c *Client) Follow(ctx context.Context, f Filter, ready func(), take func(r wire.Result, more bool) error) error {
	subjects, err := f.subjects()
	if err != nil {
		return err
	}
	stream, err := c.js.Stream(ctx, wire.ResultsStream)
	if err != nil {
		return noMesh("follow the results", err)
	}
	// From now on means after the last one stored: a policy of "new" would mean
	// something later after each reconnect.
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: stream.CachedInfo().State.LastSeq + 1}
	switch {
	case !f.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &f.Since
	case f.Last:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverLastPerSubjectPolicy, 0
	}
	cons, err := stream.OrderedConsumer(ctx, cfg)
	if err != nil {
		return noMesh("follow the results", err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return noMesh("follow the results", err)
	}
	defer it.Stop()
	defer context.AfterFunc(ctx, it.Stop)() // cheaper than to ask for ctx with each message
	if ready != nil {
		ready()
	}
	for {
		m, err := it.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if errors.Is(err, jetstream.ErrNoHeartbeat) {
				continue // the broker is away; the consumer comes back with it
			}
			return noMesh("follow the results", err)
		}
		r, err := wire.DecodeResult(m.Subject(), m.Data())
		if err != nil {
			if f.Odd != nil {
				f.Odd(err)
			}
			continue
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if err := take(r, meta.NumPending > 0); err != nil {
			return err
		}
	}
}

// Results calls take with each stored result of the filter since Since, until
// to, and returns when the last one of this moment was read.
func (c *Client) Results(ctx context.Context, f Filter, to time.Time, take func(wire.Result) error) error {
	subjects, err := f.subjects()
	if err != nil {
		return err
	}
	cons, err := c.js.OrderedConsumer(ctx, wire.ResultsStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &f.Since})
	if err != nil {
		return noMesh("read the results", err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return noMesh("read the results", err)
	}
	if info.NumPending == 0 {
		return nil
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(1000))
	if err != nil {
		return noMesh("read the results", err)
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return noMesh("read the results", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		r, err := wire.DecodeResult(m.Subject(), m.Data())
		switch {
		case err != nil && f.Odd != nil:
			f.Odd(err)
		case err == nil && (to.IsZero() || !r.Started.After(to)):
			if err := take(r); err != nil {
				return err
			}
		}
		// A result that was measured in time may have come late, behind others.
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// Count says how many stored results of the filter there are since Since.
func (c *Client) Count(ctx context.Context, f Filter) (uint64, error) {
	subjects, err := f.subjects()
	if err != nil {
		return 0, err
	}
	cons, err := c.js.OrderedConsumer(ctx, wire.ResultsStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &f.Since})
	if err != nil {
		return 0, noMesh("count the results", err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, noMesh("count the results", err)
	}
	return info.NumPending, nil
}
