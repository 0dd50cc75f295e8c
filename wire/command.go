package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Op is what a command asks for.
type Op string

const (
	OpStart Op = "start" // run the monitors, or change them
	OpStop  Op = "stop"  // stop the named monitors
	OpRun   Op = "run"   // run the named monitors once more, now, beside their schedule
	OpSync  Op = "sync"  // compare the managed monitors of a range of names
	OpList  Op = "list"  // list what runs
	OpProbe Op = "probe" // measure once, now
	OpInfo  Op = "info"  // say who you are

	OpRotate Op = "rotate" // change the key that the broker knows you by
	OpTrust  Op = "trust"  // take a newer list of those whose commands count
)

// Ops lists every command.
var Ops = []Op{OpStart, OpStop, OpRun, OpSync, OpList, OpProbe, OpInfo, OpRotate, OpTrust}

// Changes says whether a command changes what the agent does, or makes it send
// packets: where the mesh has identities, such a command is signed.
func (o Op) Changes() bool { return o != OpList && o != OpInfo && o != OpTrust }

// Command is a request on agent.<id>.cmd. Unknown fields are tolerated.
type Command struct {
	Op Op `json:"op"` // start, stop, run, sync, list, probe, info, rotate or trust

	// Store and Revision order the commands about saved monitors: one older
	// than what the agent runs changes nothing. Both are absent in commands
	// typed by hand.

	Store    string `json:"store,omitempty"`    // one life of the bucket of saved monitors
	Revision uint64 `json:"revision,omitempty"` // of the bucket, as the sender had seen it

	Monitors []Monitor `json:"monitors,omitempty"` // start; probe takes one
	Names    []string  `json:"names,omitempty"`    // stop, run
	Asked    string    `json:"asked,omitempty"`    // run: a token that the results then carry; absent: one of the agent's choice

	// Sync: of the names in (After, Through], the managed ones of this Store must be
	// exactly those in Have, at these revisions. The agent stops the others and
	// answers with those it wants to be sent. What an earlier life of the bucket asked
	// for continues: an empty bucket is not an order.

	After   string            `json:"after,omitempty"`   // list, sync: names after this one
	Through string            `json:"through,omitempty"` // sync: up to this name and with it; absent has no end
	Have    map[string]uint64 `json:"have,omitempty"`    // sync: the monitors of this range, and their revisions

	Limit int `json:"limit,omitempty"` // list: at most so many; default and most 500

	Whole    bool   `json:"whole,omitempty"`    // list: with all that is needed to save a monitor again
	Instance string `json:"instance,omitempty"` // info: set by an agent that asks whether another one has its id

	Trust *SignedTrust `json:"trust,omitempty"` // trust: the list
}

// DecodeCommand reads a command and reports every mistake in its frame.
func DecodeCommand(data []byte) (Command, error) {
	var c Command
	var p Problems
	if err := tooLong("the command", data, MaxMessage); err != nil {
		return Command{}, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		if !json.Valid(data) {
			return Command{}, fmt.Errorf("not a JSON command: %w", err)
		}
		if all := decodeFields(data, &c, false); all != nil {
			err = all
		}
		return Command{}, err
	}
	switch c.Op {
	case OpStart:
		if len(c.Monitors) == 0 {
			p.Addf("monitors", "is empty: say what to start")
		}
	case OpStop, OpRun:
		if len(c.Names) == 0 {
			p.Addf("names", "is empty: say what to %s", c.Op)
		}
	case OpProbe:
		if len(c.Monitors) != 1 {
			p.Addf("monitors", "want one monitor, got %d", len(c.Monitors))
		}
	case OpSync:
		if c.Store == "" {
			p.Addf("store", "is missing")
		}
	case OpTrust:
		if c.Trust == nil {
			p.Addf("trust", "is missing")
		}
	case OpList, OpInfo, OpRotate:
	case "":
		p.Addf("op", "is missing: one of %v", Ops)
	default:
		p.Addf("op", "unknown op %q: one of %v", Clip(string(c.Op), MaxToken), Ops)
	}
	for _, l := range []struct {
		field string
		n     int
	}{{"monitors", len(c.Monitors)}, {"names", len(c.Names)}, {"have", len(c.Have)}} {
		if l.n > MaxCommand {
			p.Addf(l.field, "has %d entries: want at most %d in one command", l.n, MaxCommand)
		}
	}
	for i, name := range c.Names {
		p.Add(fmt.Sprintf("names[%d]", i), CheckToken(name))
	}
	if c.Asked != "" {
		p.Add("asked", CheckToken(c.Asked))
	}
	for name := range c.Have {
		p.Add("have", CheckToken(name))
	}
	for _, f := range []struct{ field, text string }{{"store", c.Store}, {"after", c.After}, {"through", c.Through}, {"instance", c.Instance}} {
		if len(f.text) > MaxToken {
			p.Addf(f.field, "%q is %d bytes long: want at most %d", Clip(f.text, MaxToken), len(f.text), MaxToken)
		}
	}
	return c, p.Err()
}

// Code classifies an error for programs: one of a closed set.
type Code string

const (
	CodeInvalid  Code = "invalid"  // the command or a monitor in it is wrong; field says where
	CodeStale    Code = "stale"    // a newer command was here before
	CodeManaged  Code = "managed"  // the name belongs to a saved monitor
	CodePolicy   Code = "policy"   // the agent's own policy forbids it
	CodeLimit    Code = "limit"    // the agent runs as many as it may
	CodeBusy     Code = "busy"     // the same is under way for another one
	CodeStopping Code = "stopping" // the agent is shutting down
	CodeInternal Code = "internal" // a fault of the agent

	CodeUnsigned  Code = "unsigned"  // the receiver has identities, and the request says not who sent it
	CodeUnknown   Code = "unknown"   // signed by a key that is not on the receiver's list
	CodeDenied    Code = "denied"    // the sender's role does not include it
	CodeToken     Code = "token"     // the token to join by is not valid: used, too old, or none
	CodeChallenge Code = "challenge" // signed for a challenge that is over: sign again for the one in the reply
)

// Error says why a command, or one monitor of it, was not carried out.
type Error struct {
	Code    Code   `json:"code"`            // of a closed set, for programs
	Field   string `json:"field,omitempty"` // where the mistake is, such as monitors[0].every
	Message string `json:"message"`         // for people
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Coder is an error that is not a plain mistake.
type Coder interface {
	error
	Code() Code
}

// Invalid turns mistakes into their form on the wire. One that is a [Coder] has
// its own code.
func Invalid(err error) []Error {
	var out []Error
	for _, e := range FieldErrors(err) {
		code := CodeInvalid
		if own, ok := errors.AsType[Coder](e.Err); ok {
			code = own.Code()
		}
		out = append(out, Error{Code: code, Field: e.Path, Message: Clip(e.Err.Error(), MaxText)})
	}
	return out
}

// State says what became of one monitor of a command.
type State string

const (
	Started   State = "started"
	Updated   State = "updated"   // it ran with other settings before
	Unchanged State = "unchanged" // it already runs like this
	Stopped   State = "stopped"
	Absent    State = "absent"  // there was nothing to stop, or to run
	Running   State = "running" // in a list
	Asked     State = "asked"   // it runs once more, now
	Refused   State = "refused" // Errors say why
)

// MonitorReply is what became of one monitor, or, in a list, how it runs.
type MonitorReply struct {
	Name     string  `json:"name"`               // of the monitor
	State    State   `json:"state"`              // started, updated, unchanged, stopped, absent, running, asked or refused
	Revision uint64  `json:"revision,omitempty"` // of the saved monitor; absent when started by hand
	Errors   []Error `json:"errors,omitempty"`   // why it was refused
	Note     string  `json:"note,omitempty"`     // for people

	Kind    string   `json:"kind,omitempty"`    // list: what it measures
	Target  string   `json:"target,omitempty"`  // list: of what
	Every   Duration `json:"every,omitempty"`   // list: from one run to the next
	Manual  bool     `json:"manual,omitempty"`  // list: started by hand
	By      string   `json:"by,omitempty"`      // list: by whom, where the broker verified it
	Runs    uint64   `json:"runs,omitempty"`    // list: since it was started
	Skipped uint64   `json:"skipped,omitempty"` // list: ticks skipped since it was started
	Last    Outcome  `json:"last,omitempty"`    // list: of its last run

	Store   string          `json:"store,omitempty"`   // list, whole: the life of the bucket that asked for it
	Timeout Duration        `json:"timeout,omitempty"` // list, whole: of a run
	Options json.RawMessage `json:"options,omitempty"` // list, whole: of its kind
}

// Reply answers a Command.
type Reply struct {
	OK       bool           `json:"ok"`                 // everything asked for is so now
	Agent    string         `json:"agent"`              // that answers
	Error    *Error         `json:"error,omitempty"`    // the first of Errors
	Errors   []Error        `json:"errors,omitempty"`   // all of them, also those of single monitors
	Monitors []MonitorReply `json:"monitors,omitempty"` // start, stop, run: what became of each; list: what runs
	Next     string         `json:"next,omitempty"`     // list: give this as after to continue
	Want     []string       `json:"want,omitempty"`     // sync: monitors to be sent with start
	Result   *Result        `json:"result,omitempty"`   // probe
	Info     *Alive         `json:"info,omitempty"`     // info

	Challenge string `json:"challenge,omitempty"` // for the next request, where this one was signed for an old one
}

// Refuse is the reply to a command that was not carried out at all.
func Refuse(agent string, errs ...Error) Reply {
	if len(errs) == 0 {
		errs = []Error{{Code: CodeInternal, Message: "refused without a reason"}}
	}
	return Reply{Agent: agent, Error: &errs[0], Errors: errs}
}
