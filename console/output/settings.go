package output

import (
	"strconv"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

func revisionText(n uint64) string { return strconv.FormatUint(n, 10) }

// savedBy are the columns of who saved a setting.
func savedBy[T wire.Setting]() []Column[T] {
	return []Column[T]{
		{"REVISION", func(x T) string { return revisionText(x.About().Revision) }},
		{"AUTHOR", func(x T) string { return x.About().Author }},
		{"CHANGE", func(x T) string { return x.About().Change }},
	}
}

// SavedChannels lists channels as they are saved.
func SavedChannels(list []*wire.Channel, none string) Listing[*wire.Channel] {
	return Listing[*wire.Channel]{Kind: "SavedChannels", Items: list, None: none,
		Name: func(x *wire.Channel) string { return x.Name },
		Columns: []Column[*wire.Channel]{
			{"NAME", func(x *wire.Channel) string { return x.Name }},
			{"KIND", func(x *wire.Channel) string { return x.Kind }},
			{"FALLBACK", func(x *wire.Channel) string { return x.Fallback }},
			{"PAUSED", func(x *wire.Channel) string { return map[bool]string{true: "paused"}[x.Paused] }},
		},
		Wide: append([]Column[*wire.Channel]{{"SETTINGS", func(x *wire.Channel) string { return string(x.Own()) }}}, savedBy[*wire.Channel]()...)}
}

// Rules lists rules.
func Rules(list []*wire.NoticeRule, none string) Listing[*wire.NoticeRule] {
	return Listing[*wire.NoticeRule]{Kind: "Rules", Items: list, None: none,
		Name: func(x *wire.NoticeRule) string { return x.Name },
		Columns: []Column[*wire.NoticeRule]{
			{"NAME", func(x *wire.NoticeRule) string { return x.Name }},
			{"MATCH", func(x *wire.NoticeRule) string {
				if x.Match.Empty() {
					return "what no other rule fits"
				}
				return console.MatchText(x.Match)
			}},
			{"TO", func(x *wire.NoticeRule) string {
				if len(x.To) == 0 {
					return "nobody"
				}
				return strings.Join(x.To, ",")
			}},
			{"ESCALATE", func(x *wire.NoticeRule) string {
				var out []string
				for _, e := range x.Escalate {
					out = append(out, "after "+e.After.String()+" "+strings.Join(e.To, ","))
				}
				return strings.Join(out, "; ")
			}},
		},
		Wide: append([]Column[*wire.NoticeRule]{
			{"WAIT", func(x *wire.NoticeRule) string { return durationOr(x.Wait, "by severity") }},
			{"UPDATE", func(x *wire.NoticeRule) string {
				return durationOr(x.Update, wire.Duration(wire.DefaultUpdate).String())
			}},
			{"REPEAT", func(x *wire.NoticeRule) string { return durationOr(x.Repeat, "by severity") }},
		}, savedBy[*wire.NoticeRule]()...)}
}

func durationOr(d wire.Duration, usual string) string {
	if d == 0 {
		return usual
	}
	return d.String()
}

// WindowRow is a window, and whether it is open.
type WindowRow struct {
	wire.Window
	Open   bool      `json:"open"`
	Change time.Time `json:"next_change,omitzero"` // when it begins or ends next, UTC
}

// Windows lists windows as they are at a time.
func Windows(list []*wire.Window, now time.Time, none string) Listing[WindowRow] {
	rows := make([]WindowRow, len(list))
	for i, x := range list {
		open, change := x.Next(now)
		rows[i] = WindowRow{*x, open, change.UTC()}
		if change.IsZero() {
			rows[i].Change = time.Time{}
		}
	}
	return Listing[WindowRow]{Kind: "Windows", Items: rows, None: none,
		Name: func(x WindowRow) string { return x.Name },
		Columns: []Column[WindowRow]{
			{"NAME", func(x WindowRow) string { return x.Name }},
			{"STATE", WindowRow.state},
			{"WHEN", func(x WindowRow) string { return console.WindowText(&x.Window) }},
			{"MUTES", func(x WindowRow) string { return console.MatchText(x.Match) }},
		},
		Wide: []Column[WindowRow]{
			{"REVISION", func(x WindowRow) string { return revisionText(x.Revision) }},
			{"AUTHOR", func(x WindowRow) string { return x.Author }},
			{"CHANGE", func(x WindowRow) string { return x.Saving.Change }},
		}}
}

func (x WindowRow) state() string {
	at := x.Change.Local().Format("2006-01-02 15:04")
	switch {
	case x.Open && x.Change.IsZero():
		return "open"
	case x.Open:
		return "open until " + at
	case x.Change.IsZero():
		return "over"
	}
	return "opens " + at
}

// GroupRow is a group, and what is said of it.
type GroupRow struct {
	wire.Group
	State wire.VerdictState `json:"state"`
	Since time.Time         `json:"since,omitzero"`
	Why   string            `json:"why,omitempty"`
}

// Groups lists groups with the verdicts on them.
func Groups(list []*wire.Group, verdicts []wire.GroupVerdict, none string) Listing[GroupRow] {
	rows := make([]GroupRow, len(list))
	for i, x := range list {
		rows[i] = GroupRow{Group: *x, State: wire.VerdictUnknown, Why: "no controller judged it so far"}
		for _, v := range verdicts {
			if v.Group == x.Name {
				rows[i].State, rows[i].Since, rows[i].Why = v.State, v.Since, v.Why
			}
		}
	}
	return Listing[GroupRow]{Kind: "Groups", Items: rows, None: none,
		Name: func(x GroupRow) string { return x.Name },
		Columns: []Column[GroupRow]{
			{"NAME", func(x GroupRow) string { return x.Name }},
			{"STATE", func(x GroupRow) string { return string(x.State) }},
			{"OF", func(x GroupRow) string { return console.SomeOf(x.Of) }},
			{"DOWN WHEN", func(x GroupRow) string {
				if x.Rule == "" {
					return "any"
				}
				return string(x.Rule)
			}},
			{"WHY", func(x GroupRow) string { return x.Why }},
		},
		Wide: []Column[GroupRow]{
			{"SINCE", func(x GroupRow) string {
				if x.Since.IsZero() {
					return ""
				}
				return x.Since.Local().Format(time.DateTime)
			}},
			{"REVISION", func(x GroupRow) string { return revisionText(x.Revision) }},
			{"AUTHOR", func(x GroupRow) string { return x.Author }},
			{"CHANGE", func(x GroupRow) string { return x.Saving.Change }},
		}}
}

// SilenceRow is a silence, and whether it mutes.
type SilenceRow struct {
	wire.Silence
	State string `json:"state"` // active, coming or ended
}

// Silences lists silences as they are at a time: active, coming, ended, the one that ends
// first first.
func Silences(list []*wire.Silence, now time.Time, none string) Listing[SilenceRow] {
	var rows []SilenceRow
	for _, state := range []string{"active", "coming", "ended"} {
		for _, x := range console.SilencesByEnd(list) {
			if console.SilenceState(x, now) == state {
				rows = append(rows, SilenceRow{*x, state})
			}
		}
	}
	at := func(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
	return Listing[SilenceRow]{Kind: "Silences", Items: rows, None: none,
		Name: func(x SilenceRow) string { return x.ID },
		Columns: []Column[SilenceRow]{
			{"ID", func(x SilenceRow) string { return x.ID }},
			{"STATE", func(x SilenceRow) string { return x.State }},
			{"MUTES", func(x SilenceRow) string { return console.MatchText(x.Match) }},
			{"FROM", func(x SilenceRow) string { return at(x.From) }},
			{"UNTIL", func(x SilenceRow) string { return at(x.Until) }},
			{"WHO", func(x SilenceRow) string { return x.Author }},
			{"WHY", func(x SilenceRow) string { return x.Text }},
		},
		Wide: []Column[SilenceRow]{
			{"REVISION", func(x SilenceRow) string { return revisionText(x.Revision) }},
			{"CHANGE", func(x SilenceRow) string { return x.Change }},
		}}
}
