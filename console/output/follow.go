package output

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/internal/timetext"
	"netmon/wire"
)

// writeResult writes a stored result as JSON on one line. Nearly all are passed on
// as they are: to decode and encode them took half of the console's time.
func writeResult(out *bufio.Writer, m *nats.Msg) error {
	if wire.UsualResult(m.Subject, m.Data) && !bytes.Contains(m.Data, []byte(`\u00`)) { // which encoding/json makes of < and >
		out.Write(console.EscapeJSON(m.Data))
		out.WriteByte('\n')
		return nil
	}
	r, err := wire.DecodeResult(m.Subject, m.Data)
	if err != nil {
		return err
	}
	data, err := JSONLine(r)
	out.Write(data)
	return err
}

var errEnough = errors.New("as many as asked for")

// Following is how results are written as they come.
type Following struct {
	Results, Talk io.Writer
	Styles        console.Styles // of lines
	JSON          bool           // a line of JSON for each, instead of a line for people
	Most          int            // ends after so many; 0 is never
}

// Follow writes the results of a filter as they come, until ctx ends.
func (o Following) Follow(ctx context.Context, cl *console.Client, f console.Filter) error {
	if !o.JSON {
		fmt.Fprintln(o.Talk, "netmon: times are in", timetext.Zone(time.Now()))
	}
	f.Trouble = func(err error) {
		if err != nil {
			fmt.Fprintln(o.Talk, "netmon: waiting:", console.Printable(err.Error()))
		} else {
			fmt.Fprintln(o.Talk, "netmon: results can be read again")
		}
	}
	line := console.Line{Styles: o.Styles}
	write := func(out *bufio.Writer, m *nats.Msg) error {
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err == nil {
			out.WriteString(line.Format(r) + "\n")
		}
		return err
	}
	if o.JSON {
		write = writeResult
	}
	chosen := func(m *nats.Msg) bool {
		if len(f.Outcomes) == 0 {
			return true
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		return err != nil || f.Has(r.Outcome) // what cannot be read is shown
	}
	out := bufio.NewWriterSize(o.Results, 64<<10) // as much as a pipe takes at once
	n := 0
	err := cl.FollowMessages(ctx, f, nil, func(m *nats.Msg, more bool) error {
		if !chosen(m) { // what is written before it may wait to be flushed
		} else if err := write(out, m); err != nil {
			fmt.Fprintln(o.Talk, "netmon: ignored:", console.Printable(err.Error()))
		} else if n++; n == o.Most {
			return cmp.Or(out.Flush(), errEnough)
		}
		if more {
			return nil
		}
		return out.Flush()
	})
	if err == errEnough {
		return nil
	}
	return err
}
