package exec

import (
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
)

// Details is what a run of a program told.
type Details struct {
	Status   string `json:"status,omitempty" help:"what the program reported by its exit code: ok (0), warning (1), critical (2) or unknown (3); absent for anything else"`
	ExitCode *int   `json:"exit_code,omitempty" help:"exit code; absent when the program did not end by itself"`
	Signal   string `json:"signal,omitempty" help:"signal that ended the program"`
	WaitNS   int64  `json:"wait_ns,omitempty" phase:"yes" help:"waiting until fewer programs ran than may run at once, ns; in no latency"`
	RunNS    int64  `json:"run_ns,omitempty" phase:"yes" help:"from the start of the program to its end, ns; the latency of the result"`
	CPUNS    int64  `json:"cpu_ns,omitempty" help:"CPU time of the program and of the processes that it waited for, ns"`

	Message     string `json:"message,omitempty" help:"first line of the output, up to its performance data; secrets show as stars"`
	Text        string `json:"text,omitempty" help:"further lines, without performance data, at most 4 KiB"`
	Stderr      string `json:"stderr,omitempty" help:"beginning of the error output, at most 1000 bytes; only when the program reported no message, or no verdict"`
	OutputBytes int    `json:"output_bytes" help:"length of the output, bytes"`
	OutputCut   bool   `json:"output_cut,omitempty" help:"the output was longer than the 64 KiB that are read"`
	Survivors   bool   `json:"survivors,omitempty" help:"a process that the program started kept its output open: it is in a process group of its own and could not be ended"`

	Perfdata        []Value `json:"perfdata,omitempty" help:"performance data, at most 100 values"`
	PerfdataSkipped int     `json:"perfdata_skipped,omitempty" help:"parts of the performance data that are none, or beyond 100"`
}

// Headline implements probes.Details.
func (d Details) Headline() probes.Headline {
	h := probes.Headline{Latency: time.Duration(d.RunNS), Summary: clip(d.Message, 300)}
	if d.RunNS > 0 {
		h.Clock = probes.ClockUser
	}
	if h.Summary == "" {
		h.Summary = strings.ToUpper(d.Status)
	}
	return h
}

// Report implements probes.Details, in the manner of a plugin on the command line.
func (d Details) Report(w io.Writer) {
	if d.Message != "" {
		fmt.Fprintln(w, d.Message)
	}
	for line := range strings.Lines(d.Text) {
		fmt.Fprintf(w, "  %s\n", strings.TrimRight(line, "\n"))
	}
	for line := range strings.Lines(d.Stderr) {
		fmt.Fprintf(w, "stderr  %s\n", strings.TrimRight(line, "\n"))
	}
	for _, v := range d.Perfdata {
		fmt.Fprintf(w, "  %s = %s\n", v.Label, v.words())
	}
	if d.PerfdataSkipped > 0 {
		fmt.Fprintf(w, "  %s of the performance data skipped\n", figures.Counted(d.PerfdataSkipped, "part"))
	}
	switch {
	case d.Signal != "":
		fmt.Fprintf(w, "ended by signal %s", d.Signal)
	case d.ExitCode != nil:
		fmt.Fprintf(w, "exit code %d", *d.ExitCode)
		if d.Status != "" {
			fmt.Fprintf(w, " (%s)", strings.ToUpper(d.Status))
		}
	default:
		return
	}
	fmt.Fprintf(w, " after %s ms, %s ms of CPU, %s of output", figures.MS(d.RunNS), figures.MS(d.CPUNS), figures.Counted(d.OutputBytes, "byte"))
	if d.WaitNS > 0 {
		fmt.Fprintf(w, ", waited %s ms before", figures.MS(d.WaitNS))
	}
	fmt.Fprintln(w)
	if d.Survivors {
		fmt.Fprintln(w, "it left a process behind that keeps its output open")
	}
}

// words is a value for people.
func (v Value) words() string {
	if v.Value == nil {
		return "unknown"
	}
	text := fmt.Sprintf("%v%s", *v.Value, v.Unit)
	var ranges []string
	for _, r := range [][2]string{{"warn", v.Warn}, {"crit", v.Crit}} {
		if r[1] != "" {
			ranges = append(ranges, r[0]+" "+r[1])
		}
	}
	if len(ranges) > 0 {
		text += " (" + strings.Join(ranges, ", ") + ")"
	}
	return text
}
