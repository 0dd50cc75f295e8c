package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// VerdictState is the state of a monitor, judged from all its agents. A reader that
// meets another one, from a newer judge, shows it as it is.
type VerdictState string

const (
	VerdictUp       VerdictState = "up"       // no able agent finds it bad, and one finds it good
	VerdictDegraded VerdictState = "degraded" // some find it bad, fewer than the quorum, or it is slow
	VerdictDown     VerdictState = "down"     // as many as the quorum find it bad
	VerdictUnknown  VerdictState = "unknown"  // no agent is able to say; never up
	VerdictPaused   VerdictState = "paused"   // saved, and runs nowhere
)

// VerdictStates is the closed set, the worst first.
var VerdictStates = []VerdictState{VerdictDown, VerdictDegraded, VerdictUnknown, VerdictUp, VerdictPaused}

// BlameClass says whose fault a verdict is: one of a closed set.
type BlameClass string

const (
	BlameBroker  BlameClass = "broker"  // every agent is silent
	BlameUplink  BlameClass = "uplink"  // the agent fails on hosts that others reach, or is away
	BlameClock   BlameClass = "clock"   // the agent's clock
	BlameParent  BlameClass = "parent"  // a monitor that this one depends on is down
	BlameDNS     BlameClass = "dns"     // the target's name
	BlameTLS     BlameClass = "tls"     // handshake or certificate
	BlameRegion  BlameClass = "region"  // the failing agents share a label that no good one has
	BlamePath    BlameClass = "path"    // between a minority of the agents and the target
	BlameTarget  BlameClass = "target"  // the target itself
	BlameUnclear BlameClass = "unclear" // nothing of the above fits: never a guess
)

// BlameDoc is one row of the closed set.
type BlameDoc struct {
	Class   BlameClass
	Meaning string
}

// BlameClasses is the closed set, in the order in which the judge tries them.
var BlameClasses = []BlameDoc{
	{BlameBroker, "every agent fell silent at once: verdicts are frozen, and after 2 minutes unknown"},
	{BlameUplink, "the agent fails on hosts that others reach, is offline, or its results queue up: it is set aside"},
	{BlameClock, "the agent's clock differs from the broker's, and its runs fail for that"},
	{BlameParent, "a monitor that it depends on is down"},
	{BlameDNS, "the target's name cannot be looked up"},
	{BlameTLS, "the target answers, but its handshake or certificate is not valid"},
	{BlameRegion, "two or more failing agents share a label that no good one has"},
	{BlamePath, "a minority of the agents gets no answer, and their other targets are good"},
	{BlameTarget, "the target: what fails, fails wherever it is measured"},
	{BlameUnclear, "none of these fits"},
}

// Verdict is the state of one monitor, on verdicts.<monitor>: one message for each
// change, the newest of a subject is what holds.
type Verdict struct {
	Monitor string       `json:"monitor"`       // the second token of the subject
	State   VerdictState `json:"state"`         // up, degraded, down, unknown or paused
	Was     VerdictState `json:"was,omitempty"` // the state before Since; absent for the first
	Since   time.Time    `json:"since"`         // when the state began: the start of the run that began it, by the broker's clock, UTC
	At      time.Time    `json:"at"`            // when this was decided, by the broker's clock, UTC
	N       uint64       `json:"n"`             // counts the verdicts of this monitor, without holes

	Incident string `json:"incident,omitempty"` // while it is not up: the same from the first failing result on
	Why      string `json:"why"`                // for people, in one sentence
	Blame    *Blame `json:"blame,omitempty"`    // absent while it is up or paused

	Quorum   VerdictQuorum `json:"quorum"`             // who sees what
	Evidence []Evidence    `json:"evidence,omitempty"` // runs that it rests on, at most 5, the newest first
	Cross    *CrossCheck   `json:"cross,omitempty"`    // what was measured at once to make sure
	Flapping bool          `json:"flapping,omitempty"` // it changes too often to report each change
	Frozen   bool          `json:"frozen,omitempty"`   // the broker was unreachable: this is the last that is known

	Revision uint64 `json:"revision"` // of the saved monitor
}

// Blame says whose fault it is.
type Blame struct {
	Class BlameClass `json:"class"`           // broker, uplink, clock, parent, dns, tls, region, path, target or unclear
	Names []string   `json:"names,omitempty"` // the agents, the parent or the label that it is about
	Sure  bool       `json:"sure"`            // more than one agent says so, or one that nothing speaks against
	Why   string     `json:"why"`             // for people
}

// VerdictQuorum is who sees what. Each agent on which the monitor is placed is in one list.
type VerdictQuorum struct {
	Need   int      `json:"need"`             // so many have to find it bad for it to be down
	Rule   string   `json:"rule,omitempty"`   // the quorum asked for, where it is not majority
	Down   []string `json:"down,omitempty"`   // find it bad
	Slow   []string `json:"slow,omitempty"`   // find it slow
	Up     []string `json:"up,omitempty"`     // find it good
	Blind  []string `json:"blind,omitempty"`  // cannot measure it
	Silent []string `json:"silent,omitempty"` // placed, and not heard of in time
	Aside  []string `json:"aside,omitempty"`  // set aside: their trouble is their own
}

// Evidence is a result in short.
type Evidence struct {
	Agent   string    `json:"agent"`             // that measured
	Started time.Time `json:"started"`           // by the broker's clock, UTC
	Outcome Outcome   `json:"outcome"`           // ok, failed or broken
	Failure Failure   `json:"failure,omitempty"` // absent when ok
	Text    string    `json:"text,omitempty"`    // the result's error or summary
	ID      string    `json:"id"`                // agent-epoch-seq: it is in the stream RESULTS
	Asked   bool      `json:"asked,omitempty"`   // measured to make sure, not by schedule
}

// CrossCheck is what was measured at once after a first bad run.
type CrossCheck struct {
	Asked    int   `json:"asked"`    // runs asked for
	Answered int   `json:"answered"` // of these that came
	Bad      int   `json:"bad"`      // of these that failed
	TookNS   int64 `json:"took_ns"`  // from the question to the last answer, nanoseconds
}

// AgentStatus says how much an agent's word counts.
type AgentStatus string

const (
	AgentAble  AgentStatus = "able"  // it counts
	AgentAside AgentStatus = "aside" // it has trouble of its own: monitors are judged without it
	AgentAway  AgentStatus = "away"  // it is offline, or left
)

// AgentVerdict is what the judge says of an agent, on verdicts.agent.<id>: one message
// for each change.
type AgentVerdict struct {
	Agent    string      `json:"agent"`              // the third token of the subject
	Status   AgentStatus `json:"standing"`           // able, aside or away
	Since    time.Time   `json:"since"`              // by the broker's clock, UTC
	At       time.Time   `json:"at"`                 // when this was decided, by the broker's clock, UTC
	N        uint64      `json:"n"`                  // counts the verdicts on this agent, without holes
	Incident string      `json:"incident,omitempty"` // while it is not able
	Why      string      `json:"why,omitempty"`      // for people, in one sentence
	Blame    *Blame      `json:"blame,omitempty"`    // absent while it is able, but for a wrong clock
	Monitors int         `json:"monitors"`           // that are judged without it
	Gone     bool        `json:"gone,omitempty"`     // for good: somebody had the mesh forget it
}

// MeshVerdict says whether the judge hears anybody, on verdicts.mesh.broker.
type MeshVerdict struct {
	Frozen bool      `json:"frozen"` // all agents fell silent at once: verdicts stay as they are
	Since  time.Time `json:"since"`  // by the broker's clock, UTC
	At     time.Time `json:"at"`     // when this was decided, UTC
	N      uint64    `json:"n"`      // counts, without holes
	Why    string    `json:"why"`    // for people
}

// JudgeHead is where the leading controller writes what it continues from after a restart.
// Others read of it which times were judged.
const JudgeHead = "judge.state.head"

// Judged is a time that was judged: verdicts hold in it. At other times the broker was
// away, or all agents were silent at once.
type Judged struct {
	From time.Time `json:"from"` // by the broker's clock, UTC
	To   time.Time `json:"to"`
}

// VerdictSubject is where the verdicts on a monitor go.
func VerdictSubject(monitor string) (string, error) {
	if err := CheckToken(monitor); err != nil {
		return "", fmt.Errorf("monitor name %w", err)
	}
	return verdictsPrefix + monitor, nil
}

// AgentVerdictSubject is where the verdicts on an agent go.
func AgentVerdictSubject(agent string) (string, error) {
	if err := CheckToken(agent); err != nil {
		return "", fmt.Errorf("agent id %w", err)
	}
	return agentVerdictsPrefix + agent, nil
}

// DecodeVerdict reads a verdict on a monitor that came on subject.
func DecodeVerdict(subject string, data []byte) (Verdict, error) {
	var v Verdict
	if err := decodeVerdict(subject, data, &v); err != nil {
		return Verdict{}, err
	}
	return v, belongs(subject, v.Monitor, VerdictSubject)
}

// DecodeAgentVerdict reads a verdict on an agent that came on subject.
func DecodeAgentVerdict(subject string, data []byte) (AgentVerdict, error) {
	var v AgentVerdict
	if err := decodeVerdict(subject, data, &v); err != nil {
		return AgentVerdict{}, err
	}
	return v, belongs(subject, v.Agent, AgentVerdictSubject)
}

// DecodeMeshVerdict reads the verdict on the mesh.
func DecodeMeshVerdict(subject string, data []byte) (MeshVerdict, error) {
	var v MeshVerdict
	err := decodeVerdict(subject, data, &v)
	if err == nil && subject != MeshVerdictSubject {
		err = fmt.Errorf("decode verdict on %s: it belongs on %s", subject, MeshVerdictSubject)
	}
	return v, err
}

// IsAgentVerdict says whether what comes on subject is about an agent, and
// IsMonitorVerdict whether it is about a monitor.
func IsAgentVerdict(subject string) bool { return strings.HasPrefix(subject, agentVerdictsPrefix) }

// IsMonitorVerdict says whether what comes on subject is about a monitor.
func IsMonitorVerdict(subject string) bool {
	name, ok := strings.CutPrefix(subject, verdictsPrefix)
	return ok && !strings.Contains(name, ".")
}

func decodeVerdict(subject string, data []byte, v any) error {
	if err := tooLong("the verdict on "+subject, data, MaxVerdict); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode verdict on %s: %w", subject, err)
	}
	return nil
}

func belongs(subject, token string, builder func(string) (string, error)) error {
	want, err := builder(token)
	if err != nil {
		return fmt.Errorf("decode verdict on %s: %w", subject, err)
	}
	if want != subject {
		return fmt.Errorf("decode verdict on %s: it says it belongs on %s", subject, want)
	}
	return nil
}
