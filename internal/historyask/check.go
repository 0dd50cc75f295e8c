package historyask

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"netmon/wire"
)

// check says why a reply cannot be the answer to a query. Whoever may answer on
// history.get may send anything, and what follows trusts times, lengths and names.
func check(q *wire.HistoryQuery, r *wire.HistoryReply) error {
	for _, t := range []time.Time{r.Since, r.Minutes, r.Through} {
		if !t.IsZero() && (t.Year() < 1970 || t.Year() > 9999) {
			return fmt.Errorf("it is of a time that cannot be, the year %d", t.Year())
		}
	}
	rows := rowsOf(r)
	switch {
	case rows > wire.MaxHistoryRows:
		return fmt.Errorf("it has %d rows: want at most %d", rows, wire.MaxHistoryRows)
	case r.Next != "" && rows == 0:
		return errors.New("it says that more follows, and has nothing")
	case q.What == wire.HistoryVerdicts && len(r.Series) > 0, q.What == wire.HistoryRollups && len(r.Spans) > 0:
		return errors.New("it answers another question")
	}
	for i := range r.Spans {
		if err := checkSpan(q, &r.Spans[i]); err != nil {
			return err
		}
	}
	if q.What == wire.HistoryVerdicts {
		return nil
	}
	if step := r.Step.Std(); step < time.Minute || step > wire.MaxHistorySpan || q.Step != 0 && r.Step != q.Step {
		return fmt.Errorf("its step is %s: want %s", r.Step, q.Step)
	}
	for i := range r.Series {
		if err := checkSeries(q, &r.Series[i]); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf is how many rows and states a reply has.
func rowsOf(r *wire.HistoryReply) int {
	rows := len(r.Spans)
	for i := range r.Series {
		rows += len(r.Series[i].Rows)
	}
	return rows
}

func checkSpan(q *wire.HistoryQuery, s *wire.HistorySpan) error {
	if err := isAsked("monitor", s.Monitor, q.Monitors); err != nil {
		return err
	}
	if s.Until.Before(s.Since) || s.Since.Before(q.From.Add(-time.Second)) || s.Until.After(q.To.Add(time.Second)) {
		return fmt.Errorf("a state of %s is not in the time that was asked for", s.Monitor)
	}
	if !s.Gone.IsZero() && (s.Gone.Before(s.Until) || s.Gone.After(q.To.Add(time.Second))) {
		return fmt.Errorf("%s was deleted at another time than in the state that says so", s.Monitor)
	}
	return nil
}

func checkSeries(q *wire.HistoryQuery, s *wire.HistorySeries) error {
	if err := isAsked("monitor", s.Monitor, q.Monitors); err != nil {
		return err
	}
	if s.Agent != "" || !q.Together {
		if err := isAsked("agent", s.Agent, q.Agents); err != nil {
			return err
		}
	}
	from := q.From.Add(-time.Hour) // it is cut to the hour
	for i := range s.Rows {
		row := &s.Rows[i]
		if row.At.Before(from) || !row.At.Before(q.To) || row.For < 0 || row.For.Std() > wire.MaxHistorySpan || i > 0 && row.At.Before(s.Rows[i-1].At) {
			return fmt.Errorf("a row of %s is not in the time that was asked for, or not in order", s.Monitor)
		}
	}
	return nil
}

// isAsked says what is wrong with a name that was not asked for.
func isAsked(what, name string, asked []string) error {
	if err := wire.CheckElement(name); err != nil {
		return fmt.Errorf("the %s %w", what, err)
	}
	if len(asked) > 0 && !slices.Contains(asked, name) {
		return fmt.Errorf("it reports on the %s %q, which was not asked for", what, name)
	}
	return nil
}
