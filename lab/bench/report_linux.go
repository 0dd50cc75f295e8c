package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// report is what one invocation found.
type report struct {
	Command string
	Machine facts
	Rows    []row    `json:",omitempty"`
	Lines   []string `json:",omitempty"` // figures in words
	temp    string
}

// row is one line of the table. What does not apply is 0 and shown as "-".
type row struct {
	Who        string
	Kind       string
	Monitors   int
	Seconds    float64
	Asked      float64  // probes a second
	Rate       float64  // probes a second, counted by the target
	Stored     float64  // results a second, in the stream
	Missed     int      // ticks without a result; of others than netmon: probes that the target misses
	Skipped    int      // ticks that results say were skipped
	NotOK      int      // results that are not ok
	Why        string   // the failure of the last of them
	Late       lateness // from due to started
	Floor      lateness // of the machine's own timers meanwhile
	CPU        float64  // µs a probe
	RSS        float64  // MiB
	PerMonitor float64  // KiB over what the agent has without monitors
	BrokerCPU  float64  // µs a result
	BrokerRSS  float64  // MiB
	Threads    int
	FDs        int
}

// dir is a folder for the logs of helpers.
func (r *report) dir() string {
	if r.temp == "" {
		r.temp, _ = os.MkdirTemp("", "netmon-bench-log")
	}
	return r.temp
}

func (r *report) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.Lines = append(r.Lines, line)
	note("%s", line)
}

func (r *report) markdown(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "`%s`\n\n%s, %d cores, %s, %s, %s; load average %s before the run. Schedule: even (each monitor at a phase of its own).\n\n", r.Command, m.CPU, m.Cores, m.Kernel, m.Go, m.Date, m.Load)
	if len(r.Rows) > 0 {
		fmt.Fprintln(w, "| kind | monitors | by | asked/s | at the target/s | stored/s | ticks missed | not ok | start late p50 / p99, ms | timer floor p50 / p99, ms | CPU µs/probe | RSS MiB (KiB/monitor) | broker CPU µs/result |")
		fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	}
	dash := func(format string, v float64) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf(format, v)
	}
	for _, x := range r.Rows {
		missed := fmt.Sprintf("%d (%.2g %%)", x.Missed, 100*float64(x.Missed)/(x.Asked*x.Seconds))
		if x.Missed == 0 {
			missed = "0"
		}
		late, floor, rss, bad := "-", "-", dash("%.0f", x.RSS), "-"
		if x.Who == "netmon" {
			late, floor = fmt.Sprintf("%.1f / %.1f", x.Late.P50, x.Late.P99), fmt.Sprintf("%.1f / %.1f", x.Floor.P50, x.Floor.P99)
			rss += fmt.Sprintf(" (%.1f)", x.PerMonitor)
			bad = strings.TrimSpace(fmt.Sprintf("%d %s", x.NotOK, x.Why))
		}
		fmt.Fprintf(w, "| %s | %d | %s | %.0f | %.0f | %s | %s | %s | %s | %s | %.0f | %s | %s |\n", x.Kind, x.Monitors, x.Who, x.Asked, x.Rate, dash("%.0f", x.Stored), missed, bad, late, floor, x.CPU, rss, dash("%.0f", x.BrokerCPU))
	}
	for _, l := range r.Lines {
		fmt.Fprintf(w, "- %s\n", l)
	}
	if r.temp != "" {
		os.RemoveAll(r.temp)
	}
}
