package console

import (
	"fmt"
	"io"
	"time"

	"netmon/wire"
)

// Measured writes the outcome of one measurement and its reasons.
func Measured(w io.Writer, st Styles, r wire.Result) {
	out := Escaper{w}
	colour := st.Failed
	switch r.Outcome {
	case wire.OK:
		colour = st.OK
	case wire.Broken:
		colour = st.Broken
	}
	fmt.Fprintf(w, "%s%s%s", colour, r.Outcome, st.Reset)
	took := r.Elapsed()
	if d, ok := r.Latency(); ok {
		took = d
	}
	switch {
	case r.Outcome == wire.OK:
		fmt.Fprintf(out, " in %s", Short(took))
		if r.Address != "" {
			fmt.Fprintf(out, ", %s", r.Address)
		}
		fmt.Fprintln(out)
	default:
		fmt.Fprintf(out, " after %s: %s: %s\n", Short(r.Elapsed().Round(time.Microsecond)), r.Failure, r.Error)
	}
	if len(r.Unmet) > 1 {
		for _, u := range r.Unmet {
			fmt.Fprintf(out, "  %s: want %s, got %s\n", u.Expect, u.Want, u.Got)
		}
	}
}

// Escaper keeps control characters of targets from the terminal; line ends and
// tabs pass.
type Escaper struct{ W io.Writer }

func (e Escaper) Write(p []byte) (int, error) {
	if _, err := io.WriteString(e.W, PrintableText(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
