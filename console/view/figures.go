package view

import (
	"encoding/json"
	"iter"
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
	Good     Figure // part of the known time in which runs were good, 0 to 1
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

// Phases names the phases of a run of a kind, in order, from the details of its
// result: probes.List.Phases.
type Phases func(kind string, details json.RawMessage) iter.Seq2[string, time.Duration]

func (v *Mesh) phasesOf(kind string, details json.RawMessage) (out []Phase) {
	if v.phases == nil {
		return nil
	}
	for name, took := range v.phases(kind, details) {
		out = append(out, Phase{name, took})
	}
	return out
}
