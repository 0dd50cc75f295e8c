package view

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Figure is a number that may not have been measured.
type Figure struct {
	V  float64
	OK bool // it was measured
}

func measured(v float64) Figure { return Figure{v, true} }

// Duration is a figure of nanoseconds.
func (f Figure) Duration() time.Duration { return time.Duration(f.V) }

// Figures are of the last [Window] runs on each agent.
type Figures struct {
	Last     Figure // latency of the newest run, ns
	P50, P95 Figure // of the latencies, ns
	Loss     Figure // packets lost of those sent, 0 to 1: only of kinds that count them
	Uptime   Figure // of the time of which something is known, 0 to 1
	CertDays Figure // until the certificate ends; negative when it has
}

// Failure is one run that was not ok, and why.
type Failure struct {
	At     time.Time
	Agent  string
	State  judge.State
	Reason wire.Failure
	Error  string
}

// Phase is one part of the time that a run took.
type Phase struct {
	Name string
	Took time.Duration
}

// phaseNames are the figures that follow each other within a run. Others that
// end in _ns are totals and statistics, which must not be stacked.
var phaseNames = []string{
	"redirect_ns", "resolve_ns", "udp_rtt_ns", "proxy_connect_ns", "proxy_tunnel_ns",
	"connect_ns", "tls_ns", "send_ns", "processing_ns", "transfer_ns", "rtt_ns",
}

// phasesOf reads the phases from a run's details, in the order of the message.
func phasesOf(details json.RawMessage) []Phase {
	var out []Phase
	d := json.NewDecoder(bytes.NewReader(details))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return out
		}
		name, _ := key.(string)
		var v json.RawMessage
		if d.Decode(&v) != nil {
			return out
		}
		var ns int64
		if slices.Contains(phaseNames, name) && json.Unmarshal(v, &ns) == nil && ns > 0 && ns <= int64(wire.MaxEvery) {
			out = append(out, Phase{strings.TrimSuffix(name, "_ns"), time.Duration(ns)})
		}
	}
	return out
}
