package output

import (
	"strconv"
	"time"

	"netmon/console"
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
