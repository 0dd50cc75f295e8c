package wire

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Severity is what an incident, or one of its members, is about: one of a closed set,
// by which rules choose.
type Severity string

const (
	SeverityDown        Severity = "down"        // a monitor or a group is down
	SeverityDegraded    Severity = "degraded"    // a monitor or a group is degraded
	SeverityUnknown     Severity = "unknown"     // no agent can tell how a monitor is
	SeverityCertificate Severity = "certificate" // a certificate expires soon, or has expired
	SeverityAgent       Severity = "agent"       // an agent is offline, has lost its uplink, or its clock is off
	SeverityBroker      Severity = "broker"      // no agent is heard
	SeverityDropped     Severity = "dropped"     // an agent lost results: its spool was full
	SeverityDisk        Severity = "disk"        // the broker's disk is nearly full
	SeverityAudit       Severity = "audit"       // somebody changed who may do what
	SeveritySLOFast     Severity = "slo-fast"    // an error budget is spent so fast that it is gone within days
	SeveritySLOSlow     Severity = "slo-slow"    // an error budget is spent faster than it lasts
)

// SeverityDoc is one row of the closed set, with the times of a rule that sets none.
type SeverityDoc struct {
	Severity Severity
	Meaning  string
	Wait     time.Duration // before the first notice, for others to join the incident
	Repeat   time.Duration // between notices while nothing changes; 0: there are none
}

// Severities is the closed set, the worst first.
var Severities = []SeverityDoc{
	{SeverityDown, "a monitor or a group is down", 10 * time.Second, 4 * time.Hour},
	{SeverityBroker, "no agent is heard: verdicts are frozen", 10 * time.Second, 4 * time.Hour},
	{SeverityDisk, "the broker's disk is nearly full", 10 * time.Second, 4 * time.Hour},
	{SeveritySLOFast, "the error budget of a monitor is spent 14.4 times as fast as it lasts over an hour, or 6 times over 6 hours", 10 * time.Second, 4 * time.Hour},
	{SeverityDegraded, "a monitor or a group is degraded", time.Minute, 24 * time.Hour},
	{SeverityAgent, "an agent is offline, has lost its uplink, or its clock is off", time.Minute, 24 * time.Hour},
	{SeverityUnknown, "no agent can tell how a monitor is", 2 * time.Minute, 24 * time.Hour},
	{SeverityDropped, "an agent lost results: its spool was full", time.Minute, 24 * time.Hour},
	{SeverityCertificate, "a certificate expires within 14 days, or has expired", 10 * time.Second, 24 * time.Hour},
	{SeveritySLOSlow, "the error budget of a monitor is spent as fast as it lasts over 3 days, or faster", time.Minute, 24 * time.Hour},
	{SeverityAudit, "somebody let others in, shut them out, or changed the authority", 10 * time.Second, 0},
}

// IncidentState is how an incident is.
type IncidentState string

const (
	IncidentOpen     IncidentState = "open"     // something is wrong
	IncidentResolved IncidentState = "resolved" // nothing of it is wrong any more
	IncidentMerged   IncidentState = "merged"   // it continues as part of another one
)

// Incident is something that is wrong, with all that has the same cause, on
// incidents.<id>: one message for each change, the newest is what holds.
type Incident struct {
	ID       string        `json:"id"`                // a token: the first member's, so that a replay gives the same
	State    IncidentState `json:"state"`             // open, resolved or merged
	Severity Severity      `json:"severity"`          // the worst of its members
	Cause    Cause         `json:"cause"`             // what its members have in common
	Summary  string        `json:"summary"`           // for people, in one sentence
	Opened   time.Time     `json:"opened"`            // when its first member began to be wrong, by the broker's clock, UTC
	Decided  time.Time     `json:"decided"`           // when that was decided, UTC
	At       time.Time     `json:"at"`                // of this message, UTC
	Joined   time.Time     `json:"joined"`            // when the last member joined, UTC
	Resolved time.Time     `json:"resolved,omitzero"` // when the last of it was good again, UTC
	N        uint64        `json:"n"`                 // counts the messages of this incident, without holes
	Into     string        `json:"into,omitempty"`    // merged: the incident that it is part of

	Blame   *Blame           `json:"blame,omitempty"`    // whose fault it is, of the worst member
	Members []IncidentMember `json:"members"`            // what is wrong, in the order in which it joined; of many the first MaxMembers
	More    int              `json:"more,omitempty"`     // members that are not listed
	Rest    string           `json:"rest,omitempty"`     // members that are wrong and not listed: of each a mark of MemberMark bytes
	Good    int              `json:"good,omitempty"`     // members, listed or not, that are good again
	Ack     *Ack             `json:"ack,omitempty"`      // somebody acknowledged it
	Muted   []string         `json:"muted,omitempty"`    // by which silences and windows, while all members that are wrong are muted
	Flaps   bool             `json:"flapping,omitempty"` // it comes and goes: one notice, then none until it is still

	Marks    Marks          `json:"marks,omitzero"`     // since when what is to be sent is true
	Channels []ChannelState `json:"channels,omitempty"` // who was notified, and with what success
	Log      []Entry        `json:"log"`                // what happened, the oldest first; of many the first and the last
}

// Cause is what the members of an incident have in common.
type Cause struct {
	What CauseKind `json:"what"`           // monitor, parent, agent, region, host, group, broker, disk, audit or many
	Name string    `json:"name,omitempty"` // of the monitor, parent, agent, label (region=eu), host, group or server
}

// CauseKind is how members of an incident belong together.
type CauseKind string

const (
	CauseMonitor CauseKind = "monitor" // one member, and nothing else shares its cause
	CauseParent  CauseKind = "parent"  // they depend on the same monitor
	CauseAgent   CauseKind = "agent"   // the same agent's trouble
	CauseRegion  CauseKind = "region"  // the failing agents share a label
	CauseHost    CauseKind = "host"    // the same target host
	CauseGroup   CauseKind = "group"   // they are of the same group
	CauseBroker  CauseKind = "broker"  // the mesh itself
	CauseDisk    CauseKind = "disk"    // a server's disk
	CauseAudit   CauseKind = "audit"   // somebody's change of who may do what
	CauseMany    CauseKind = "many"    // they have nothing in common but the moment
)

// Subject kinds of a member.
const (
	AboutMonitor     = "monitor"
	AboutGroup       = "group"
	AboutAgent       = "agent"
	AboutBroker      = "broker"
	AboutCertificate = "certificate" // of the monitor Name
	AboutDisk        = "disk"        // of the server Name
	AboutDropped     = "dropped"     // by the agent Name
	AboutSLO         = "slo"         // the error budget of the monitor Name
	AboutAudit       = "audit"       // Name is of the line of the audit
)

// IncidentMember is one thing of an incident.
type IncidentMember struct {
	About    string    `json:"about"`              // monitor, group, agent, broker, certificate, disk, dropped, slo or audit
	Name     string    `json:"name"`               // of the monitor, group, agent or server
	Severity Severity  `json:"severity"`           // while it is wrong; then what it was last
	Since    time.Time `json:"since"`              // when it began to be wrong, UTC
	Until    time.Time `json:"until,omitzero"`     // when it was good again, UTC; absent while it is wrong
	Why      string    `json:"why,omitempty"`      // for people, in one sentence
	Blame    *Blame    `json:"blame,omitempty"`    // whose fault it is
	N        uint64    `json:"n"`                  // of the verdict, or trouble, that says so
	Flaps    bool      `json:"flapping,omitempty"` // it changes too often to report each change
	Muted    []string  `json:"muted,omitempty"`    // silences and windows that it is muted by; of many the first
}

// Wrong says whether the member is wrong now.
func (m *IncidentMember) Wrong() bool { return m.Until.IsZero() }

// Open says whether the member keeps its incident open: it is wrong, or not still yet.
func (m *IncidentMember) Open() bool { return m.Wrong() || m.Flaps }

// Marks are the numbers (N) of the newest messages of an incident that made something
// true that channels are notified of. A channel that was shown that one knows of it.
type Marks struct {
	Changed uint64 `json:"changed,omitempty"` // members joined or are good again, it is worse or better, it was corrected
	Flapped uint64 `json:"flapped,omitempty"` // it began to come and go
	Still   uint64 `json:"still,omitempty"`   // it is still again
	Unmuted uint64 `json:"unmuted,omitempty"` // a mute ended
	Acked   uint64 `json:"acked,omitempty"`   // somebody acknowledged it
	Ended   uint64 `json:"ended,omitempty"`   // it is over
}

// ChannelState is how far one channel knows of an incident.
type ChannelState struct {
	Channel   string        `json:"channel"`             // its name
	N         uint64        `json:"n"`                   // notices so far
	Reason    Reason        `json:"reason"`              // of the newest
	Decided   time.Time     `json:"decided"`             // when the newest was, UTC
	Of        uint64        `json:"of"`                  // the incident's N that the newest is about
	Notified  bool          `json:"told,omitempty"`      // at least one was sent: its end is sent, too
	Outcome   SendOutcome   `json:"outcome,omitempty"`   // of the newest; absent while none is known
	Delivered uint64        `json:"delivered,omitempty"` // notices whose outcome is sent or undelivered: up to this one
	Shown     uint64        `json:"shown,omitempty"`     // the incident's N that was sent last
	At        time.Time     `json:"at,omitzero"`         // of the outcome, UTC
	Error     string        `json:"error,omitempty"`     // of the outcome
	Severity  Severity      `json:"severity"`            // of the incident when the newest was decided
	Fallback  string        `json:"fallback,omitempty"`  // of the newest: the channel that could not be notified
	Rule      string        `json:"rule,omitempty"`      // that chose the channel; absent: no rule is saved
	Escalated time.Duration `json:"escalated,omitempty"` // after which it was chosen, nanoseconds
	Unheard   time.Time     `json:"unheard,omitzero"`    // since when nothing is heard of it, UTC, where that is not since Decided
	Deleted   bool          `json:"deleted,omitempty"`   // the channel was: another one of its name is sent nothing of what it was sent
}

// EntryKind is what happened to an incident.
type EntryKind string

const (
	EntryOpened       EntryKind = "opened"
	EntryChanged      EntryKind = "changed"      // a member joined, is good again, or is worse or better
	EntryCorrected    EntryKind = "corrected"    // what was said of it before was not right: blame or reason
	EntryAcknowledged EntryKind = "acknowledged" // somebody acknowledged it
	EntryMuted        EntryKind = "muted"        // by a silence or a window
	EntryUnmuted      EntryKind = "unmuted"
	EntryEscalated    EntryKind = "escalated" // others are notified, since nobody acknowledged it
	EntryNotified     EntryKind = "notified"  // a channel was notified
	EntryUndelivered  EntryKind = "undelivered"
	EntryMerged       EntryKind = "merged"
	EntryResolved     EntryKind = "resolved"
)

// Entry is one thing that happened to an incident.
type Entry struct {
	At   time.Time `json:"at"`           // by the broker's clock, UTC
	What EntryKind `json:"what"`         // opened, changed, corrected, acknowledged, muted, unmuted, escalated, notified, undelivered, merged or resolved
	By   string    `json:"by,omitempty"` // who acknowledged or muted it; which channel
	Text string    `json:"text"`         // for people
}

// Ack says that somebody takes care of an incident.
type Ack struct {
	By       string    `json:"by"`             // whoever acknowledged it
	At       time.Time `json:"at"`             // UTC
	Text     string    `json:"text,omitempty"` // why, or what is done
	Severity Severity  `json:"severity"`       // of the incident then: while it is worse, the acknowledgement does not count
}

// Trouble is something wrong that is in no verdict, on troubles.<about>.<name>: one
// message for each change, the newest is what holds.
type Trouble struct {
	About    string    `json:"about"`              // certificate, disk, dropped, slo or audit
	Name     string    `json:"name"`               // of the monitor, server or agent: a token
	Wrong    bool      `json:"wrong"`              // false: it is good again
	Since    time.Time `json:"since"`              // when this began, UTC
	At       time.Time `json:"at"`                 // when this was found, UTC
	N        uint64    `json:"n"`                  // counts, without holes
	Incident string    `json:"incident"`           // of the first message since it is wrong
	Why      string    `json:"why"`                // for people, in one sentence
	Expires  time.Time `json:"expires,omitzero"`   // certificate: when it does, UTC
	Severity Severity  `json:"severity"`           // as About; slo: slo-fast or slo-slow
	Evidence string    `json:"evidence,omitempty"` // the result's id, the audit's sequence
}

// ID is the id of the incident that a trouble opens, when this is the first message of it.
func (t *Trouble) ID() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d", t.About, t.Name, t.At.UnixNano())
	return fmt.Sprintf("%.40s-%016x", t.Name, h.Sum64())
}

// GroupVerdict is the state of a group of monitors, on verdicts.group.<name>: one
// message for each change.
type GroupVerdict struct {
	Group    string       `json:"group"`              // the third token of the subject
	State    VerdictState `json:"state"`              // up, degraded, down, unknown or paused
	Was      VerdictState `json:"was,omitempty"`      // the state before Since; absent for the first
	Since    time.Time    `json:"since"`              // by the broker's clock, UTC
	At       time.Time    `json:"at"`                 // when this was decided, UTC
	N        uint64       `json:"n"`                  // counts, without holes
	Incident string       `json:"incident,omitempty"` // while it is down, degraded, or not still
	Why      string       `json:"why"`                // for people, in one sentence
	Down     []string     `json:"down,omitempty"`     // of its monitors
	Degraded []string     `json:"degraded,omitempty"` // of its monitors
	Unknown  []string     `json:"unknown,omitempty"`  // of its monitors
	Up       []string     `json:"up,omitempty"`       // of its monitors
	Flapping bool         `json:"flapping,omitempty"` // one that makes it wrong changes too often to report each change
	Revision uint64       `json:"revision"`           // of the saved group
}

// IncidentSubject is where an incident goes.
func IncidentSubject(id string) (string, error) { return one("incidents.", "incident id", id) }

// TroubleSubject is where a trouble goes.
func TroubleSubject(about, name string) (string, error) {
	return two("troubles.", "about", about, "name", name)
}

// GroupVerdictSubject is where the verdicts on a group go.
func GroupVerdictSubject(group string) (string, error) {
	return one("verdicts.group.", "group name", group)
}

// IsGroupVerdict says whether what comes on subject is about a group.
func IsGroupVerdict(subject string) bool { return strings.HasPrefix(subject, "verdicts.group.") }

// DecodeIncident reads an incident that came on subject.
func DecodeIncident(subject string, data []byte) (Incident, error) {
	var v Incident
	if err := decodeAs("the incident", subject, data, MaxIncident, &v); err != nil {
		return Incident{}, err
	}
	return v, belongs(subject, v.ID, IncidentSubject)
}

// DecodeGroupVerdict reads a verdict on a group that came on subject.
func DecodeGroupVerdict(subject string, data []byte) (GroupVerdict, error) {
	var v GroupVerdict
	if err := decodeVerdict(subject, data, &v); err != nil {
		return GroupVerdict{}, err
	}
	return v, belongs(subject, v.Group, GroupVerdictSubject)
}

// DecodeTrouble reads a trouble that came on subject.
func DecodeTrouble(subject string, data []byte) (Trouble, error) {
	var v Trouble
	if err := decodeAs("the trouble", subject, data, MaxVerdict, &v); err != nil {
		return Trouble{}, err
	}
	return v, belongs(subject, v.Name, func(name string) (string, error) { return TroubleSubject(v.About, name) })
}

// one builds a subject of a prefix and a token, two one of two tokens.
func one(prefix, what, token string) (string, error) {
	if err := CheckToken(token); err != nil {
		return "", fmt.Errorf("%s %w", what, err)
	}
	return prefix + token, nil
}

func two(prefix, whatA, a, whatB, b string) (string, error) {
	first, err := one(prefix, whatA, a)
	if err != nil {
		return "", err
	}
	return one(first+".", whatB, b)
}

// decodeAs reads a message of at most so many bytes.
func decodeAs(what, subject string, data []byte, most int, v any) error {
	if err := tooLong(what+" on "+subject, data, most); err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s on %s: %w", what, subject, err)
	}
	return nil
}
