package output

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/plural"
	"netmon/wire"
)

// ResultColumns are those of results in CSV: what all kinds have in common.
func ResultColumns() []string {
	return []string{"started", "agent", "monitor", "kind", "target", "outcome", "failure", "latency_ns", "elapsed_ns", "loss", "dropped", "text"}
}

// ResultRow is one, which leaves empty what was not measured.
func ResultRow(r wire.Result) []string {
	latency, loss, text := "", "", r.Summary
	if d, ok := r.Latency(); ok {
		latency = strconv.FormatInt(int64(d), 10)
	}
	if r.Loss != nil {
		loss = strconv.FormatFloat(*r.Loss, 'g', -1, 64)
	}
	if r.Error != "" {
		text = r.Error
	}
	return []string{r.Started.UTC().Format(time.RFC3339Nano), r.Agent, r.Monitor, console.Printable(r.Kind), console.Printable(r.Target),
		console.Printable(string(r.Outcome)), console.Printable(string(r.Failure)), latency, strconv.FormatInt(r.ElapsedNS, 10), loss,
		strconv.FormatUint(r.Dropped, 10), console.Printable(text)}
}

// RollupLine is a line for people that stands for results that are no longer stored.
func RollupLine(r console.ResultRollup, st console.Styles) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s%s %-5s %s %s  Σ %s: %d ok", st.Dim, r.At.Local().Format(time.DateTime), st.Reset, r.For, r.Agent, r.Monitor, plural.Count(r.Runs, "run", "runs"), r.OK)
	for _, n := range []struct {
		n           uint64
		style, word string
	}{{r.Failed, st.Failed, "failed"}, {r.Broken, st.Broken, "broken"}} {
		if n.n > 0 {
			fmt.Fprintf(&b, ", %s%d %s%s", n.style, n.n, n.word, st.Reset)
		}
	}
	for _, f := range []struct {
		title string
		ns    *int64
	}{{"p50", r.P50NS}, {"p99", r.P99NS}, {"max", r.MaxNS}} {
		if f.ns != nil {
			fmt.Fprintf(&b, "  %s %s", f.title, console.Short(time.Duration(*f.ns)))
		}
	}
	if r.Loss != nil {
		fmt.Fprintf(&b, "  loss %s", console.PercentText(r.Loss))
	}
	return b.String()
}
