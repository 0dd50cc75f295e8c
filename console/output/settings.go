package output

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
	"netmon/wire"
)

// Revision is what people see as the revision of a monitor or a setting, its edition;
// nothing where it is not known, as in a list with what an older netmon saved.
func Revision(edition uint64) string {
	if edition == 0 {
		return ""
	}
	return strconv.FormatUint(edition, 10)
}

// savedBy are the columns of who saved a setting.
func savedBy[T wire.Setting]() []Column[T] {
	return []Column[T]{
		{Title: "REVISION", Cell: func(x T) string { return Revision(x.About().Edition) }},
		Author(func(x T) string { return x.About().Author }),
		{Title: "CHANGE", Cell: func(x T) string { return x.About().Change }},
	}
}

// SavedChannels lists channels as they are saved.
func SavedChannels(list []*wire.Channel, none string) Listing[*wire.Channel] {
	return Listing[*wire.Channel]{Kind: "SavedChannels", Items: list, None: none,
		Name: func(x *wire.Channel) string { return x.Name },
		Columns: []Column[*wire.Channel]{
			{Title: "NAME", Cut: Naming, Cell: func(x *wire.Channel) string { return x.Name }},
			{Title: "KIND", Cell: func(x *wire.Channel) string { return x.Kind }},
			{Title: "FALLBACK", Cut: Naming, Cell: func(x *wire.Channel) string { return x.Fallback }},
			{Title: "PAUSED", Cell: func(x *wire.Channel) string { return map[bool]string{true: "paused"}[x.Paused] }},
		},
		Wide: append([]Column[*wire.Channel]{{Title: "SETTINGS", Cell: func(x *wire.Channel) string { return string(x.Own()) }}}, savedBy[*wire.Channel]()...)}
}

// Rules lists rules.
func Rules(list []*wire.NoticeRule, none string) Listing[*wire.NoticeRule] {
	return Listing[*wire.NoticeRule]{Kind: "Rules", Items: list, None: none,
		Name: func(x *wire.NoticeRule) string { return x.Name },
		Columns: []Column[*wire.NoticeRule]{
			{Title: "NAME", Cut: Naming, Cell: func(x *wire.NoticeRule) string { return x.Name }},
			{Title: "MATCH", Cut: Prose, Cell: func(x *wire.NoticeRule) string {
				if x.Match.Empty() {
					return "what no other rule fits"
				}
				return console.MatchText(x.Match)
			}},
			{Title: "TO", Cut: Place, Cell: func(x *wire.NoticeRule) string {
				if len(x.To) == 0 {
					return "nobody"
				}
				return strings.Join(x.To, ",")
			}},
			{Title: "ESCALATE", Cut: Prose, Cell: func(x *wire.NoticeRule) string {
				var out []string
				for _, e := range x.Escalate {
					out = append(out, "after "+e.After.String()+" "+strings.Join(e.To, ","))
				}
				return strings.Join(out, "; ")
			}},
		},
		Wide: append([]Column[*wire.NoticeRule]{
			{Title: "WAIT", Cell: func(x *wire.NoticeRule) string { return durationOr(x.Wait, "by severity") }},
			{Title: "UPDATE", Cell: func(x *wire.NoticeRule) string {
				return durationOr(x.Update, wire.Duration(wire.DefaultUpdate).String())
			}},
			{Title: "REPEAT", Cell: func(x *wire.NoticeRule) string { return durationOr(x.Repeat, "by severity") }},
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
			{Title: "NAME", Cut: Naming, Cell: func(x WindowRow) string { return x.Name }},
			{Title: "STATE", Cut: Prose, Cell: WindowRow.state},
			{Title: "WHEN", Cut: Prose, Cell: func(x WindowRow) string { return console.WindowText(&x.Window) }},
			{Title: "MUTES", Cut: Prose, Cell: func(x WindowRow) string { return console.MatchText(x.Match) }},
		},
		Wide: []Column[WindowRow]{
			{Title: "REVISION", Cell: func(x WindowRow) string { return Revision(x.Edition) }},
			Author(func(x WindowRow) string { return x.Author }),
			{Title: "CHANGE", Cell: func(x WindowRow) string { return x.Saving.Change }},
		}}
}

func (x WindowRow) state() string {
	at := timetext.Minute(x.Change)
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
			{Title: "NAME", Cut: Naming, Cell: func(x GroupRow) string { return x.Name }},
			{Title: "STATE", Cell: func(x GroupRow) string { return string(x.State) }},
			{Title: "OF", Cut: Place, Cell: func(x GroupRow) string { return console.SomeOf(x.Of) }},
			{Title: "DOWN WHEN", Cell: func(x GroupRow) string {
				if x.Rule == "" {
					return "any"
				}
				return string(x.Rule)
			}},
			{Title: "WHY", Cut: Prose, Cell: func(x GroupRow) string { return x.Why }},
		},
		Wide: []Column[GroupRow]{
			{Title: "SINCE", Time: func(x GroupRow) time.Time { return x.Since }},
			{Title: "REVISION", Cell: func(x GroupRow) string { return Revision(x.Edition) }},
			Author(func(x GroupRow) string { return x.Author }),
			{Title: "CHANGE", Cell: func(x GroupRow) string { return x.Saving.Change }},
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
	coming := slices.ContainsFunc(rows, func(x SilenceRow) bool { return x.State == "coming" })
	return Listing[SilenceRow]{Kind: "Silences", Items: rows, None: none,
		Name: func(x SilenceRow) string { return x.ID },
		Columns: []Column[SilenceRow]{
			{Title: "ID", Cell: func(x SilenceRow) string { return x.ID }},
			{Title: "STATE", Cell: func(x SilenceRow) string { return x.State }},
			{Title: "MUTES", Cut: Prose, Cell: func(x SilenceRow) string { return console.MatchText(x.Match) }},
			{Title: "FROM", Extra: !coming, Time: func(x SilenceRow) time.Time { return x.From }},
			{Title: "UNTIL", Time: func(x SilenceRow) time.Time { return x.Until }},
			Author(func(x SilenceRow) string { return x.Author }),
			{Title: "WHY", Cut: Prose, Cell: func(x SilenceRow) string { return x.Text }},
		},
		Wide: []Column[SilenceRow]{
			{Title: "REVISION", Cell: func(x SilenceRow) string { return Revision(x.Edition) }},
			{Title: "CHANGE", Cell: func(x SilenceRow) string { return x.Change }},
		}}
}
