package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Most of what arrives. The broker refuses a message over MaxMessage; whoever
// reads from another NATS server checks it too.
//
// A result with its headers fits into the stream; details of the greatest size
// fit into a result whose other parts are as long as is usual, and Fit leaves
// them out where those are longer. Older agents wrote larger results, which are
// still read.
const (
	MaxMessage  = 1 << 20   // bytes of any message, with its headers
	MaxStored   = 64 << 10  // bytes of a result with its headers, as the stream takes it
	MaxResult   = 60 << 10  // bytes of a result
	MaxDetails  = 48 << 10  // bytes of a result's details
	MaxOld      = 512 << 10 // bytes of a result that is read
	MaxOldPart  = 256 << 10 // bytes of the details of a result that is read
	MaxUsual    = 8 << 10   // bytes of a result up to which a reader looks at no part of it
	MaxAlive    = 64 << 10  // bytes of a heartbeat
	MaxSaved    = 512 << 10 // bytes of a saved monitor
	MaxVerdict  = 64 << 10  // bytes of a verdict
	MaxParents  = 20        // monitors that one depends on
	MaxEvidence = 5         // results that a verdict lists
	MaxOptions  = 256 << 10 // bytes of a monitor's options
	MaxDepth    = 64        // levels of lists and objects in options and details
	MaxKind     = 32        // bytes of the name of a kind
	MaxText     = 2000      // bytes of an error, a summary or a note, for people
	MaxReason   = 500       // bytes of a note or a reason in a heartbeat
	MaxUnmet    = 100       // expectations that a result lists
	MaxAuthor   = 256       // bytes
	MaxCommand  = 2000      // monitors or names in one command
	MaxAsked    = 20        // runs that may be asked for at once of one agent, by run
	MaxAskRate  = 10        // and each second after that
	MaxMonitors = 100_000   // on one agent; and saved
	MaxLabels   = 64        // of an agent
	MaxSelector = 1000      // selectors of one monitor, each with at most MaxLabels labels
	MaxProblems = 100       // mistakes that are reported at once
	MaxProof    = 1024      // bytes of the header that shows who sent a message
)

// Limit is one row of docs/limits.md.
type Limit struct {
	What   string
	Most   int
	Unit   string
	Beyond string // what happens
}

// Limits bounds the messages of the mesh.
var Limits = []Limit{
	{"any message", MaxMessage, "bytes", "the broker closes the sender's connection; a reader of another NATS server refuses it"},
	{"result", MaxResult, "bytes", "the agent leaves its `details` out before it is kept, then expectations of `unmet`, and the result's `error` says so"},
	{"result with its headers, in the stream", MaxStored, "bytes", "the stream refuses it; the agent sends what is left without `details`, `summary` and `unmet`"},
	{"`details` of a result", MaxDetails, "bytes", "left out, and the result's `error` says so"},
	{"result, when it is read: older agents wrote larger ones", MaxOld, "bytes", "readers refuse it, and say so"},
	{"`details` of a result, when it is read", MaxOldPart, "bytes", "left out, and the result's `error` says so"},
	{"`error` and `summary` of a result, messages of replies", MaxText, "bytes", "cut, with `...`"},
	{"`unmet` of a result", MaxUnmet, "expectations", "the first are listed"},
	{"a note or a reason in a heartbeat", MaxReason, "bytes", "cut, with `...`"},
	{"heartbeat", MaxAlive, "bytes", "readers ignore it"},
	{"saved monitor", MaxSaved, "bytes", "not saved; readers report it as unreadable"},
	{"monitors in `depends_on`", MaxParents, "monitors", "refused"},
	{"verdict", MaxVerdict, "bytes", "the judge lists fewer agents, and says so; readers refuse it"},
	{"evidence of a verdict", MaxEvidence, "results", "the newest are listed"},
	{"`options` of a monitor", MaxOptions, "bytes", "refused"},
	{"nesting in `options` and `details`", MaxDepth, "levels", "refused; details are left out"},
	{"an agent's id, a monitor's name, a label's name and its value", MaxToken, "bytes", "refused"},
	{"`kind`", MaxKind, "bytes", "refused"},
	{"`target`", MaxTarget, "bytes", "refused"},
	{"`author`", MaxAuthor, "bytes", "refused; our consoles cut it"},
	{"`change`", MaxText, "bytes", "refused; our consoles cut it"},
	{"`monitors`, `names` or `have` of one command", MaxCommand, "entries", "the command is refused"},
	{"runs that may be asked for at once of one agent, by `run`", MaxAsked, "runs", "a further one is answered `limit`"},
	{"and each second after that", MaxAskRate, "runs", "the same"},
	{"monitors on one agent", MaxMonitors, "monitors", "a further one is answered `limit`"},
	{"saved monitors", MaxMonitors, "monitors", "the controller ignores further ones, and logs it"},
	{"labels of an agent", MaxLabels, "labels", "the agent does not start; readers ignore its heartbeat"},
	{"selectors in `agents` or `except`", MaxSelector, "selectors", "refused"},
	{"N in `agents: N of ...`", MaxSome, "agents", "refused"},
	{"labels in one selector", MaxLabels, "labels", "refused"},
	{"tags of a monitor", MaxTags, "tags", "refused"},
	{"names in `to` of a rule, in a match or in a step of `escalate`", MaxSelector, "entries", "refused"},
	{"steps in `escalate` of a rule", MaxEscalations, "steps", "refused"},
	{"`wait`, `update`, `repeat` and `after` of a rule", int(MaxNoticeTime.Std().Hours()), "hours", "refused"},
	{"`for` of a window", int(MaxWindow.Std().Hours()), "hours", "refused"},
	{"`cron` of a window", MaxCron, "bytes", "refused"},
	{"monitors of a group", MaxGroup, "monitors", "refused"},
	{"a channel, rule, window, group, silence or acknowledgement", MaxSaved, "bytes", "not saved; readers report it as unreadable"},
	{"channels, rules, windows, groups, silences and acknowledgements", MaxSettings, "settings", "the controller ignores further ones, and logs it"},
	{"incident", MaxIncident, "bytes", "never longer, by the limits below; readers refuse it"},
	{"members of an incident that are listed", MaxMembers, "members", "counted, and known by a mark of 6 bytes"},
	{"members of an incident that are known by a mark", MaxRest, "members", "counted; after a restart of the controller they open another incident"},
	{"log of an incident", MaxLog, "entries", "the first 20 and the last stay"},
	{"channels that are notified of one incident", MaxChannels, "channels", "further ones are not notified"},
	{"phases of a rollup", MaxHistoryPhase, "phases", "further ones are not counted"},
	{"query of history", MaxHistoryQuery, "bytes", "refused"},
	{"monitors, or agents, in a query of history", MaxHistoryNames, "names", "refused"},
	{"rows or spans in one reply about history", MaxHistoryRows, "rows", "`next` says where to continue"},
	{"reply about history", MaxHistoryReply, "bytes", "`next` says where to continue"},
	{"`of` of a session", MaxSessionOf, "bytes", "refused"},
	{"`for` of a session", int(MaxSession.Std().Hours()), "hours", "refused"},
	{"request about a session", MaxDelegate, "bytes", "refused"},
	{"the header `Netmon-Proof`", MaxProof, "bytes", "refused"},
	{"mistakes reported at once", MaxProblems, "mistakes", "the rest are counted"},
}

// tooLong says that a message is over its limit.
func tooLong(what string, data []byte, most int) error {
	if len(data) <= most {
		return nil
	}
	return fmt.Errorf("%s is %d bytes long: want at most %d", what, len(data), most)
}

// Clip cuts text at most bytes, between characters, and marks the cut.
func Clip(s string, most int) string {
	const mark = "..."
	if len(s) <= most {
		return s
	}
	end := max(0, most-len(mark))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}

// ClipJSON is [Clip] where so many bytes of JSON count, in which a character may take six.
func ClipJSON(s string, most int) string {
	if len(s)*6 <= most {
		return s
	}
	for n := most; ; n = n * 3 / 4 {
		cut := Clip(s, n)
		if n <= 0 {
			cut = ""
		}
		if jsonLen(cut) <= max(0, most) {
			return cut
		}
	}
}

// jsonLen is how long text is in JSON, without its quotes.
func jsonLen(s string) int {
	data, err := json.Marshal(s)
	if err != nil { // text can be written
		return len(s)
	}
	return len(data) - len(`""`)
}

// checkJSON says why a raw part of a message cannot be taken.
func checkJSON(raw json.RawMessage, most int) error {
	if len(raw) > most {
		return fmt.Errorf("is %d bytes long: want at most %d", len(raw), most)
	}
	if d := depth(raw); d > MaxDepth {
		return fmt.Errorf("is nested %d levels deep: want at most %d", d, MaxDepth)
	}
	return nil
}

// depth counts the levels of lists and objects in a JSON value.
func depth(raw []byte) (most int) {
	level, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			level++
			most = max(most, level)
		case c == ']' || c == '}':
			level--
		}
	}
	return most
}

// invisible says that text has characters that do not show, or that make other
// text show differently: control characters, line separators, marks without
// width, overrides of the direction, bytes that are no UTF-8.
func invisible(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && !unicode.IsPrint(r) })
}

// Encode writes a reply as it is sent. One that would not fit into a message
// reports fewer mistakes, and says so.
func (r Reply) Encode() []byte {
	data, err := json.Marshal(r)
	if err == nil && len(data) <= MaxMessage-1024 { // headers come on top
		return data
	}
	why := Error{Code: CodeInternal, Message: "the reply could not be written: "}
	if err != nil {
		why.Message += err.Error()
	} else {
		why.Message += fmt.Sprintf("it is %d bytes long, and a message has at most %d: ask for less at once", len(data), MaxMessage)
	}
	data, _ = json.Marshal(Refuse(r.Agent, why))
	return data
}

// DecodeReply reads an agent's reply.
func DecodeReply(data []byte) (Reply, error) {
	var r Reply
	if err := tooLong("the reply", data, MaxMessage); err != nil {
		return Reply{}, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return Reply{}, fmt.Errorf("not a JSON reply: %w", err)
	}
	if r.Result != nil {
		if err := tooLong("the reply's result", bytes.TrimSpace(r.Result.Details), MaxOldPart); err != nil {
			return Reply{}, err
		}
	}
	for i := range r.Monitors {
		if m := &r.Monitors[i]; m.State == Refused && len(m.Errors) == 0 {
			m.Errors = []Error{{Code: CodeInternal, Message: "refused without a reason"}}
		}
	}
	return r, nil
}
