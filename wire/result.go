package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Result is one run of one monitor on one agent, on results.<agent>.<monitor>.
// What was not measured is absent, never zero.
type Result struct {
	Agent   string `json:"agent"`   // the second token of the subject
	Monitor string `json:"monitor"` // the third token of the subject
	Kind    string `json:"kind"`    // of the monitor
	Target  string `json:"target"`  // of the monitor

	// Epoch and Seq name a result. Results of probes on demand have neither.

	Epoch string `json:"epoch,omitempty"` // drawn at random when the numbering of the agent's results begins
	Seq   uint64 `json:"seq,omitempty"`   // counts all results of the agent within the epoch, without holes
	Run   uint64 `json:"run,omitempty"`   // counts the results of this monitor within the epoch, without holes

	Due       time.Time `json:"due,omitzero"`         // when the run was planned, or asked for, UTC
	Started   time.Time `json:"started"`              // when the operation began, UTC
	ElapsedNS int64     `json:"elapsed_ns"`           // from Started to the end, monotonic
	LatencyNS *int64    `json:"latency_ns,omitempty"` // the kind's headline figure
	Clock     string    `json:"clock,omitempty"`      // what timed LatencyNS: kernel, tcp_info or user

	Outcome Outcome `json:"outcome"`           // ok, failed (the target) or broken (the agent)
	Failure Failure `json:"failure,omitempty"` // absent when ok
	Error   string  `json:"error,omitempty"`   // for people
	Unmet   []Unmet `json:"unmet,omitempty"`   // each expectation that was not met
	Summary string  `json:"summary,omitempty"` // the details in a few words

	Address     string     `json:"address,omitempty"`      // the address measured, without port
	Loss        *float64   `json:"loss,omitempty"`         // packets lost of those sent, 0 to 1
	CertExpires *time.Time `json:"cert_expires,omitempty"` // the chain's earliest end, UTC

	Asked string `json:"asked,omitempty"` // a command asked for this run, by this name; it stands for no tick of the schedule

	Skipped  uint64          `json:"skipped,omitempty"`  // ticks without a run of their own since the result before: Covers, and those that the agent was too busy to make before Due
	Covers   uint64          `json:"covers,omitempty"`   // of Skipped: ticks after Due that came while this run still waited for its target; its outcome is theirs, too
	Missed   uint64          `json:"missed,omitempty"`   // ticks before Due that were due while the agent did not run; of the first result after a start
	LateNS   int64           `json:"late_ns,omitempty"`  // how long the result waited before it was sent, where that was over a second
	Dropped  uint64          `json:"dropped,omitempty"`  // results of this monitor lost just before this one
	Revision uint64          `json:"revision,omitempty"` // of the saved monitor; 0 was started by hand
	Details  json.RawMessage `json:"details,omitempty"`  // the kind's figures: probes/README.md
}

// Unmet is one expectation that was not met.
type Unmet struct {
	Expect string `json:"expect"` // the option, such as status
	Want   string `json:"want"`   // what the monitor asks for
	Got    string `json:"got"`    // what came
}

// ID names the result for people and for programs: no other result has its
// agent, epoch and number. The stream knows it by another name: see subjects.md.
func (r *Result) ID() string { return fmt.Sprintf("%s-%s-%d", r.Agent, r.Epoch, r.Seq) }

// Elapsed is ElapsedNS as a duration.
func (r *Result) Elapsed() time.Duration { return time.Duration(r.ElapsedNS) }

// Latency is the kind's headline figure, and whether it was measured.
func (r *Result) Latency() (time.Duration, bool) {
	if r.LatencyNS == nil {
		return 0, false
	}
	return time.Duration(*r.LatencyNS), true
}
