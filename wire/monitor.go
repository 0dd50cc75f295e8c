package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Limits of a monitor's schedule.
const (
	MinEvery       = 10 * time.Millisecond
	MaxEvery       = 24 * time.Hour
	DefaultEvery   = 10 * time.Second
	DefaultTimeout = 5 * time.Second
	MaxTarget      = 2048 // bytes
)

// Monitor is a probe with a target, options and a schedule.
type Monitor struct {
	Name     string          `json:"name"`                        // a token: it is part of the subject of the results
	Kind     string          `json:"kind"`                        // http, dns, icmp, ...: probes/README.md lists them
	Target   string          `json:"target"`                      // in the form of the kind, such as host:port
	Every    Duration        `json:"every,omitempty" zero:"no"`   // from one run to the next; default 10s
	Timeout  Duration        `json:"timeout,omitempty" zero:"no"` // of one run; default 5s, or nine tenths of Every where that is shorter, so that a run ends before the next tick; 1s where Every is under 1s
	Options  json.RawMessage `json:"options,omitempty"`           // the kind's own: probes/README.md lists them
	Revision uint64          `json:"revision,omitempty"`          // of the saved monitor; 0 or absent: somebody started it by hand, and the controller leaves it alone
}

// WithDefaults returns m with its schedule filled in.
func (m Monitor) WithDefaults() Monitor {
	if m.Every == 0 {
		m.Every = Duration(DefaultEvery)
	}
	switch {
	case m.Timeout != 0:
	case m.Every < Duration(time.Second):
		m.Timeout = Duration(time.Second)
	default:
		m.Timeout = min(Duration(DefaultTimeout), m.Every-m.Every/10)
	}
	return m
}

// Validate checks what is common to all kinds and reports every mistake.
// Target and options belong to the kind, which checks them itself.
func (m Monitor) Validate() error {
	var p Problems
	if err := CheckToken(m.Name); err != nil {
		p.Add("name", err)
	}
	if m.Kind == "" {
		p.Addf("kind", "is missing")
	}
	if len(m.Kind) > MaxKind {
		p.Addf("kind", "%q is %d bytes long: want at most %d", Clip(m.Kind, MaxKind), len(m.Kind), MaxKind)
	}
	if m.Target == "" {
		p.Addf("target", "is missing")
	}
	if invisible(m.Target) {
		p.Addf("target", "has a control character, or another that does not show: %+q", Clip(m.Target, 100))
	}
	if len(m.Target) > MaxTarget {
		p.Addf("target", "is %d bytes long: want at most %d", len(m.Target), MaxTarget)
	}
	if err := checkJSON(m.Options, MaxOptions); err != nil {
		p.Add("options", err)
	}
	if d := m.Every.Std(); d != 0 && (d < MinEvery || d > MaxEvery) {
		p.Addf("every", "want %v to %v, got %q", Duration(MinEvery), Duration(MaxEvery), m.Every)
	}
	if d := m.Timeout.Std(); d != 0 && (d < time.Millisecond || d > MaxEvery) {
		p.Addf("timeout", "want %v to %v, got %q", Duration(time.Millisecond), Duration(MaxEvery), m.Timeout)
	}
	return p.Err()
}

// Saved is a monitor as it is kept: what to measure, where, and who said so.
type Saved struct {
	Monitor
	Agents Selectors `json:"agents,omitzero"`  // where it runs; absent means all; "3 of region=eu": on so many of those that match
	Except Selectors `json:"except,omitempty"` // and where not
	Paused bool      `json:"paused,omitempty"` // saved, but runs nowhere

	Verdict   *Rule    `json:"verdict,omitempty"`    // how it is judged; absent: the defaults
	DependsOn []string `json:"depends_on,omitempty"` // monitors without which this one cannot be reached

	Tags map[string]string `json:"tags,omitempty"` // by which rules, silences and lists choose
	SLO  *SLO              `json:"slo,omitempty"`  // its objective; absent: it has none, and nobody is alerted of its error budget

	// Edition counts what was done to this monitor, deletions included: 1 is the first, and
	// what people see as its revision. Revision orders the changes of all monitors.
	Edition uint64 `json:"edition,omitempty"`

	// Chosen is nil while it is not known; see [Placement].
	Chosen []string `json:"chosen,omitempty"` // the agents that the leading controller took of those that match, where agents asks for some; filled in by readers, and not saved

	Author string `json:"author,omitempty"` // user@host of the console that wrote this revision
	Change string `json:"change,omitempty"` // what that console did, in words
}

// RunsOn says whether the monitor should run on this agent.
func (s *Saved) RunsOn(agent string, labels map[string]string) bool {
	return !s.Paused && s.IsPlacedOn(agent, labels)
}

// IsPlacedOn says whether the monitor would run on this agent if it were not paused.
// Where it runs on some of those that match, these are the chosen ones.
func (s *Saved) IsPlacedOn(agent string, labels map[string]string) bool {
	if s.Agents.IsSome() {
		return slices.Contains(s.Chosen, agent)
	}
	return s.Matches(agent, labels)
}

// Matches says whether the monitor may run on this agent: where Agents asks for some of
// those that match, more agents match than run it.
func (s *Saved) Matches(agent string, labels map[string]string) bool {
	if s.Agents != nil && !s.Agents.Match(agent, labels) {
		return false
	}
	return !s.Except.Match(agent, labels)
}

// Validate checks the common part of the monitor and where it runs.
func (s *Saved) Validate() error {
	var p Problems
	p.Add("", s.Monitor.Validate())
	p.Add("agents", s.Agents.Validate())
	p.Add("except", s.Except.Validate())
	if s.Except.IsSome() {
		p.Add("except", notSome(s.Except[0]))
	}
	if s.Verdict != nil {
		p.Add("verdict", s.Verdict.Validate())
	}
	p.Add("", s.checkParents())
	p.Add("tags", CheckTags(s.Tags))
	if s.SLO != nil {
		p.Add("slo", s.SLO.Validate())
	}
	if len(s.Author) > MaxAuthor {
		p.Addf("author", "is %d bytes long: want at most %d", len(s.Author), MaxAuthor)
	}
	if len(s.Change) > MaxText {
		p.Addf("change", "is %d bytes long: want at most %d", len(s.Change), MaxText)
	}
	return p.Err()
}

// checkParents checks the form of what the monitor depends on. Cycles are between
// monitors, and looked for where all are known.
func (s *Saved) checkParents() error {
	var p Problems
	if len(s.DependsOn) > MaxParents {
		p.Addf("depends_on", "has %d monitors: want at most %d", len(s.DependsOn), MaxParents)
		return p.Err()
	}
	for i, name := range s.DependsOn {
		at := fmt.Sprintf("depends_on[%d]", i)
		switch err := CheckToken(name); {
		case err != nil:
			p.Add(at, err)
		case name == s.Name:
			p.Addf(at, "%q cannot depend on itself", name)
		case slices.Contains(s.DependsOn[:i], name):
			p.Addf(at, "%q is listed twice", name)
		}
	}
	return p.Err()
}

// SameMeasurement says whether results of one are results of the other: they differ
// at most in when and where they run, and in how they are judged.
func (m Monitor) SameMeasurement(o Monitor) bool {
	return m.Kind == o.Kind && m.Target == o.Target && m.WithDefaults().Timeout == o.WithDefaults().Timeout && bytes.Equal(m.Options, o.Options)
}

// Rule is how the monitor is judged, with nothing absent.
func (s *Saved) Rule() Rule {
	if s.Verdict == nil {
		return Rule{}.WithDefaults()
	}
	return s.Verdict.WithDefaults()
}

// DecodeSaved reads a saved monitor from the bucket; revision is its key's.
func DecodeSaved(data []byte, revision uint64) (Saved, error) {
	var s Saved
	if err := tooLong("the saved monitor", data, MaxSaved); err != nil {
		return Saved{}, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return Saved{}, fmt.Errorf("decode saved monitor: %w", err)
	}
	if err := s.Validate(); err != nil {
		return Saved{}, fmt.Errorf("decode saved monitor: %w", err)
	}
	s.Revision, s.Chosen = revision, nil
	s.Monitor = s.Monitor.WithDefaults()
	return s, nil
}

// StoreID names one life of the bucket of saved monitors by when it was made:
// a bucket recreated begins its revisions again.
func StoreID(created time.Time) string { return created.UTC().Format("20060102T150405.000000000Z") }
