package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/wire"
)

// extent is which part of the stored results is asked for.
type extent struct {
	from, to    time.Time
	always      bool // however old they are: neither time was given
	tail, limit int  // the newest, or the first, so many; 0 is all
}

func extentOf(c *cli.Context, from, to time.Time) (extent, error) {
	e := extent{from: from, to: to, tail: c.Int("tail"), limit: c.Int("limit")}
	for _, name := range []string{"tail", "limit"} {
		if c.IsSet(name) && c.Int(name) < 1 {
			return e, usage("--%s: want 1 or more, got %d", name, c.Int(name))
		}
	}
	if e.tail > 0 && e.limit > 0 {
		return e, usage("--tail and --limit: want one of them: the newest, or the first")
	}
	e.always = e.tail > 0 && !c.IsSet("from") && !c.IsSet("to")
	return e, nil
}

// read calls take with the results of the filter in the extent, in the order in
// which they were stored.
func (e extent) read(ctx context.Context, cl *console.Client, f console.Filter, take func(wire.Result) error) error {
	if e.always {
		return cl.Newest(ctx, f, uint64(e.tail), take)
	}
	var last []wire.Result // a ring
	seen := 0
	err := cl.Results(ctx, f, e.to, func(r wire.Result) error {
		if r.Started.Before(e.from) { // it came late; it belongs to an earlier time
			return nil
		}
		seen++
		switch {
		case e.tail == 0:
			if err := take(r); err != nil {
				return err
			}
			if seen == e.limit {
				return errEnough
			}
		case len(last) < e.tail:
			last = append(last, r)
		default:
			last[(seen-1)%e.tail] = r
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for i := range last {
		if err := take(last[(seen+i)%len(last)]); err != nil {
			return err
		}
	}
	return nil
}

// when says the times in a sentence about results.
func (e extent) when() string {
	if e.always {
		return ""
	}
	return fmt.Sprintf(" from %s to %s", e.from.Local().Format(time.DateTime), e.to.Local().Format(time.DateTime))
}

// further says how more may be found.
func (e extent) further() string {
	if e.always {
		return ""
	}
	return ", --from goes further back"
}
