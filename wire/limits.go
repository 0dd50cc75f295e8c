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
const (
	MaxMessage  = 1 << 20   // bytes of any message, with its headers
	MaxResult   = 512 << 10 // bytes of a result
	MaxUsual    = 8 << 10   // bytes of a result up to which a reader looks at no part of it
	MaxDetails  = 256 << 10 // bytes of a result's details
	MaxAlive    = 64 << 10  // bytes of a heartbeat
	MaxSaved    = 512 << 10 // bytes of a saved monitor
	MaxOptions  = 256 << 10 // bytes of a monitor's options
	MaxDepth    = 64        // levels of lists and objects in options and details
	MaxKind     = 32        // bytes of the name of a kind
	MaxText     = 2000      // bytes of an error, a summary or a note, for people
	MaxReason   = 500       // bytes of a note or a reason in a heartbeat
	MaxUnmet    = 100       // expectations that a result tells of
	MaxAuthor   = 256       // bytes
	MaxCommand  = 2000      // monitors or names in one command
	MaxMonitors = 100_000   // on one agent; and saved
	MaxLabels   = 64        // of an agent
	MaxSelector = 1000      // selectors of one monitor, each with at most MaxLabels labels
	MaxProblems = 100       // mistakes that are told of at once
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
	{"result", MaxResult, "bytes", "the agent shortens it before it is kept; readers refuse it, and say so"},
	{"`details` of a result", MaxDetails, "bytes", "left out, and the result's `error` says so"},
	{"`error` and `summary` of a result, messages of replies", MaxText, "bytes", "cut, with `...`"},
	{"`unmet` of a result", MaxUnmet, "expectations", "the first are told"},
	{"a note or a reason in a heartbeat", MaxReason, "bytes", "cut, with `...`"},
	{"heartbeat", MaxAlive, "bytes", "readers ignore it"},
	{"saved monitor", MaxSaved, "bytes", "not saved; readers tell of it as one that cannot be read"},
	{"`options` of a monitor", MaxOptions, "bytes", "refused"},
	{"nesting in `options` and `details`", MaxDepth, "levels", "refused; details are left out"},
	{"an agent's id, a monitor's name, a label's name and its value", MaxToken, "bytes", "refused"},
	{"`kind`", MaxKind, "bytes", "refused"},
	{"`target`", MaxTarget, "bytes", "refused"},
	{"`author`", MaxAuthor, "bytes", "refused; our consoles cut it"},
	{"`change`", MaxText, "bytes", "refused; our consoles cut it"},
	{"`monitors`, `names` or `have` of one command", MaxCommand, "entries", "the command is refused"},
	{"monitors on one agent", MaxMonitors, "monitors", "a further one is answered `limit`"},
	{"saved monitors", MaxMonitors, "monitors", "the controller leaves further ones alone, and logs it"},
	{"labels of an agent", MaxLabels, "labels", "the agent does not start; readers ignore its heartbeat"},
	{"selectors in `agents` or `except`", MaxSelector, "selectors", "refused"},
	{"labels in one selector", MaxLabels, "labels", "refused"},
	{"the header `Netmon-Proof`", MaxProof, "bytes", "refused"},
	{"mistakes told of at once", MaxProblems, "mistakes", "the rest are counted"},
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

// Fit brings a result within its limits before it is sent or kept.
func (r *Result) Fit() {
	if err := checkJSON(r.Details, MaxDetails); err != nil {
		r.Details = nil
		note := "details left out: " + err.Error()
		if r.Error != "" {
			note = Clip(r.Error, MaxText-len(note)-len("; ")) + "; " + note
		}
		r.Error = note
	}
	r.Error, r.Summary = Clip(r.Error, MaxText), Clip(r.Summary, MaxText)
	r.Target = Clip(r.Target, MaxTarget)
	r.Outcome, r.Failure = Outcome(Clip(string(r.Outcome), MaxToken)), Failure(Clip(string(r.Failure), MaxToken))
	for _, word := range []*string{&r.Kind, &r.Address, &r.Epoch, &r.Clock} {
		*word = Clip(*word, MaxToken)
	}
	if len(r.Unmet) > MaxUnmet {
		r.Unmet = r.Unmet[:MaxUnmet:MaxUnmet]
	}
	for i, u := range r.Unmet {
		const most = 500
		r.Unmet[i] = Unmet{Expect: Clip(u.Expect, most), Want: Clip(u.Want, most), Got: Clip(u.Got, most)}
	}
}

// Encode writes a reply as it is sent. One that would not fit into a message
// tells of fewer mistakes, and says so.
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
		if err := tooLong("the reply's result", bytes.TrimSpace(r.Result.Details), MaxDetails); err != nil {
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
