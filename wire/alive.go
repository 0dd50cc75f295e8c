package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Heartbeats: how often, and after how long without one an agent is offline.
const (
	AliveEvery   = 10 * time.Second
	OfflineAfter = 3 * AliveEvery
)

// Alive is an agent's heartbeat, on agent.<id>.alive.
type Alive struct {
	Agent    string            `json:"agent"`              // its id
	Instance string            `json:"instance"`           // one life of the process
	Version  string            `json:"version"`            // of netmon
	Host     string            `json:"host"`               // its name
	Started  time.Time         `json:"started"`            // of the process, UTC
	At       time.Time         `json:"at"`                 // of this heartbeat, by the agent's clock, UTC
	Leaving  bool              `json:"leaving,omitempty"`  // the last heartbeat: it shuts down
	Gone     bool              `json:"gone,omitempty"`     // not by the agent: there is none of this name any more, until a heartbeat without this
	Labels   map[string]string `json:"labels,omitempty"`   // that selectors match
	Kinds    []string          `json:"kinds"`              // that it can run
	Cannot   map[string]string `json:"cannot,omitempty"`   // kinds that it cannot run, and why
	Disabled map[string]string `json:"disabled,omitempty"` // kinds that its owner does not allow until the policy says so, and what to write there
	Families []string          `json:"families,omitempty"` // "4", "6": families with a route out

	Monitors int    `json:"monitors"`           // running now
	Manual   int    `json:"manual,omitempty"`   // of these started by hand
	Unsaved  int    `json:"unsaved,omitempty"`  // managed monitors of an earlier life of the bucket: a person decides about them
	Store    string `json:"store,omitempty"`    // the life of the bucket that its managed monitors come from
	Revision uint64 `json:"revision,omitempty"` // the newest it acted on
	Digest   string `json:"digest"`             // of the managed set, refused ones too: DigestOf
	// Refused holds managed monitors that this agent cannot run, and why; of
	// many the first 20 by name.
	Refused map[string]string `json:"refused,omitempty"`

	// Challenge is what a command to this agent is signed for; absent where nobody has to.
	Challenge string `json:"challenge,omitempty"`
	Trust     uint64 `json:"trust,omitempty"` // number of its list of those whose commands count

	Policy *Policy `json:"policy,omitempty"` // the agent's own policy; absent from agents that have none

	Results uint64   `json:"results"`           // measured since Started
	Pending int      `json:"pending"`           // results not yet acknowledged by the broker
	Dropped uint64   `json:"dropped,omitempty"` // results lost since Started because the spool was full
	Skipped uint64   `json:"skipped,omitempty"` // ticks skipped since Started
	Notes   []string `json:"notes,omitempty"`   // what is wrong with the agent, in words
}

// Policy sums up what an agent lets commands have measured. It holds no
// addresses: whoever reads heartbeats learns nothing of the agent's network.
type Policy struct {
	Source        string   `json:"source"`                    // default or file
	Digest        string   `json:"digest"`                    // the same for the same policy
	Allow         int      `json:"allow,omitempty"`           // rules that say what may be reached; absent: all may
	Deny          int      `json:"deny,omitempty"`            // rules that say what may not, beside those that every agent has
	Kinds         []string `json:"kinds,omitempty"`           // that may run; absent: all
	MinEvery      Duration `json:"min_every,omitempty"`       // least interval
	MaxMonitors   int      `json:"max_monitors,omitempty"`    // that run at once
	MaxRate       float64  `json:"max_rate,omitempty"`        // probes per second of the agent
	MaxTargetRate float64  `json:"max_target_rate,omitempty"` // probes per second to one host
	Exec          int      `json:"exec,omitempty"`            // folders whose programs may run; absent: none may
}

// Unable are the kinds that the agent does not run, for either reason.
func (a Alive) Unable() map[string]string {
	if len(a.Disabled) == 0 {
		return a.Cannot
	}
	all := maps.Clone(a.Disabled)
	maps.Copy(all, a.Cannot)
	return all
}

// Farewell is written in the place of an agent's heartbeat, and not by the agent:
// it was shut out for good, or is to be forgotten. Whoever reads heartbeats takes
// it for the word that there is no such agent. A netmon that does not know Gone
// reads that the agent left.
func Farewell(agent string, at time.Time) Alive {
	return Alive{Agent: agent, At: at, Leaving: true, Gone: true}
}

// Online says whether an agent is there whose last heartbeat came so long ago.
func (a Alive) Online(ago time.Duration) bool { return !a.Leaving && !a.Gone && ago <= OfflineAfter }

// DecodeAlive reads a heartbeat that came on subject.
func DecodeAlive(subject string, data []byte) (Alive, error) {
	var a Alive
	if err := tooLong("the heartbeat on "+subject, data, MaxAlive); err != nil {
		return Alive{}, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return Alive{}, fmt.Errorf("decode heartbeat on %s: %w", subject, err)
	}
	want, err := AliveSubject(a.Agent)
	if err != nil {
		return Alive{}, fmt.Errorf("decode heartbeat on %s: %w", subject, err)
	}
	if want != subject {
		return Alive{}, fmt.Errorf("decode heartbeat on %s: it says it belongs on %s", subject, want)
	}
	if err := CheckLabels(a.Labels); err != nil {
		return Alive{}, fmt.Errorf("decode heartbeat on %s: labels: %w", subject, err)
	}
	return a, nil
}

// DigestOf names a set of managed monitors by their revisions: two equal sets
// have the same digest, whoever computes it.
func DigestOf(revisions map[string]uint64) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(revisions)) {
		fmt.Fprintf(h, "%s@%d\n", name, revisions[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
