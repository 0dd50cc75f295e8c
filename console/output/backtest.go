package output

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"netmon/console"
	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/judge/replay"
)

// spansShown is how many verdicts of a monitor are listed one by one.
const spansShown = 20

// Backtest writes what rules would have made of the past, and to talk what it cannot
// know. Monitors that would be judged the same are counted, unless all are wanted.
func Backtest(w, talk io.Writer, b console.Backtest, all bool) error {
	shown := slices.DeleteFunc(slices.Clone(b.Monitors), func(m replay.Comparison) bool { return !all && !m.Differs() })
	fmt.Fprintf(w, "%s to %s, %s\n\n", timetext.Zoned(b.From), timetext.Zoned(b.To), plural.Count(b.Results, "result", "results"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MONITOR\tRULES\tVERDICTS\tDOWN\tDEGRADED\tUNKNOWN\tUP")
	both := func(name string, saved, tried replay.Figures) {
		fmt.Fprintln(t, name+"\tsaved\t"+figuresText(saved))
		fmt.Fprintln(t, "\ttried\t"+figuresText(tried))
	}
	for _, m := range shown {
		both(m.Monitor, m.Saved, m.Tried)
	}
	if len(shown) != 1 || len(b.Monitors) != 1 {
		both(fmt.Sprintf("all %d", len(b.Monitors)), b.Saved, b.Tried)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, m := range shown {
		backtestSpans(w, m)
	}
	if n := len(b.Monitors) - len(shown); n > 0 {
		fmt.Fprintf(w, "\n%d of %s would be judged the same\n", n, plural.Count(len(b.Monitors), "monitor", "monitors"))
	}
	if err := backtestBudgets(w, b.Budgets, all); err != nil {
		return err
	}
	if err := backtestNotices(w, b.Notices); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", b)
	backtestNotes(talk, b)
	return nil
}

func figuresText(f replay.Figures) string {
	text := strconv.Itoa(f.Verdicts)
	for _, s := range []float64{f.Down, f.Degraded, f.Unknown, f.Up} {
		text += "\t" + lasted(time.Duration(s*float64(time.Second)))
	}
	return text
}

// lasted is a duration to the second; less than one is shown as it is.
func lasted(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// backtestSpans lists which verdicts of a monitor are new (+), gone (-), or reported at
// another time (~).
func backtestSpans(w io.Writer, m replay.Comparison) {
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	note := func(sign string, s replay.Span, more string) {
		text := fmt.Sprintf("%s %s  %s %s: %s%s", sign, timetext.Zoned(s.From), s.State, lasted(s.For()), s.Why, more)
		lines = append(lines, line{s.From, text})
	}
	for _, s := range m.New {
		note("+", s, "")
	}
	for _, s := range m.Gone {
		note("-", s, "")
	}
	for _, s := range m.Moved {
		switch d := time.Duration(s.Later * float64(time.Second)); {
		case d >= time.Second:
			note("~", s.Span, ", "+lasted(d)+" later")
		case d <= -time.Second:
			note("~", s.Span, ", "+lasted(-d)+" sooner")
		}
	}
	if len(lines) == 0 {
		return
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	fmt.Fprintf(w, "\n%s\n", m.Monitor)
	for _, l := range lines[:min(len(lines), spansShown)] {
		fmt.Fprintf(w, "  %s\n", console.Printable(l.text))
	}
	if more := len(lines) - spansShown; more > 0 {
		fmt.Fprintf(w, "  and %d more: -o json has all\n", more)
	}
}

// backtestBudgets shows how often error budgets would have been spent too fast: of all, or
// of those of which there is something to tell.
func backtestBudgets(w io.Writer, list []console.BacktestBudget, all bool) error {
	list = slices.DeleteFunc(slices.Clone(list), func(b console.BacktestBudget) bool {
		return !all && b.Saved == console.BudgetCount{} && b.Tried == console.BudgetCount{}
	})
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ERROR BUDGET\tRULES\tSLO-FAST\tSLO-SLOW")
	for _, b := range list {
		fmt.Fprintf(t, "%s\tsaved\t%d\t%d\n", console.Printable(b.Monitor), b.Saved.Fast, b.Saved.Slow)
		fmt.Fprintf(t, "\ttried\t%d\t%d\n", b.Tried.Fast, b.Tried.Slow)
	}
	return t.Flush()
}

// backtestNotices shows how many messages each channel would have been sent, and why.
func backtestNotices(w io.Writer, list []console.BacktestNotices) error {
	if len(list) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CHANNEL\tRULES\tMESSAGES\tINCIDENTS\tWHY")
	for _, n := range list {
		fmt.Fprintf(t, "%s\tsaved\t%s\n", console.Printable(n.Channel), noticesText(n.Saved))
		fmt.Fprintf(t, "\ttried\t%s\n", noticesText(n.Tried))
	}
	return t.Flush()
}

func noticesText(n console.NoticeCount) string {
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(n.Reasons)) {
		if k := n.Reasons[reason]; k > 0 {
			why = append(why, fmt.Sprintf("%d %s", k, reason))
		}
	}
	if len(why) == 0 {
		why = []string{"-"}
	}
	return fmt.Sprintf("%d\t%d\t%s", n.Messages, n.Incidents, strings.Join(why, ", "))
}

// backtestNotes says what a back-test cannot know.
func backtestNotes(talk io.Writer, b console.Backtest) {
	for _, note := range b.Notes {
		fmt.Fprintln(talk, console.Printable(note))
	}
	if a := b.Asked; a.Saved+a.Tried > 0 {
		fmt.Fprintf(talk, "to make sure, the saved rules would have requested %s and these %d; %d were measured: the others are missing, and might have decided sooner, or otherwise\n", plural.Count(a.Saved, "run", "runs"), a.Tried, a.Measured)
	}
	switch {
	case b.First == nil:
		fmt.Fprintln(talk, "no result of that time is stored")
	case b.First.Sub(b.From) > time.Hour:
		fmt.Fprintf(talk, "the first result of that time is from %s: nothing is known before it\n", timetext.Zoned(*b.First))
	}
}
