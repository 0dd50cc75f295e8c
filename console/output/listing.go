package output

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
)

// Forms are the forms of every list, the usual one first.
func Forms() []string { return []string{"table", "wide", "json", "yaml", "ndjson", "csv", "name"} }

// CheckForm refuses a form that a list does not have; "" is the usual one.
func CheckForm(form string) error {
	if form == "" || slices.Contains(Forms(), form) {
		return nil
	}
	return fmt.Errorf("want %s, got %q", strings.Join(Forms(), ", "), form)
}

// Listing is a list with all that its forms need.
type Listing[T any] struct {
	Kind    string // of the list, for programs
	Items   []T
	None    string          // what to say to a person where there is nothing
	Name    func(T) string  // what the form name prints
	Columns []Column[T]     // of a table
	Wide    []Column[T]     // further ones, of wide and csv, behind the others
	After   func(io.Writer) // what a person reads below the table
	Steady  func(T) string  // what of an item a Follower looks at; nil is all of it
	growing bool            // more rows come below the head of this one
	Width   int             // of the screen that a table is to fit; 0 is no screen: all of it is written
}

// Column is one column of a table. It has a Cell, whose text need not be printable, or a
// Time.
type Column[T any] struct {
	Title  string
	Cell   func(T) string
	Time   func(T) time.Time // in the reader's zone, which stands in the head; in csv UTC, as RFC 3339
	Extra  bool              // of wide and csv, in its place among the others
	Seldom bool              // a table leaves it out where it is empty in all rows
	Cut    Cut
}

// has says whether there is something in the column.
func (col Column[T]) has(it T) bool {
	if col.Time != nil {
		return !col.Time(it).IsZero()
	}
	return col.Cell(it) != ""
}

// Write writes the list in a form, and what is said to a person beside it to talk.
func (l Listing[T]) Write(w, talk io.Writer, form string) error {
	switch form {
	case "", "table", "wide":
		if len(l.Items) == 0 {
			fmt.Fprintln(talk, l.None)
			return nil
		}
		if err := l.Table(w, form); err != nil {
			return err
		}
		if l.After != nil {
			l.After(talk)
		}
		return nil
	case "csv":
		return l.csv(w)
	case "name":
		return l.names(w)
	}
	known, err := List(w, form, l.Kind, l.Items)
	if !known {
		return CheckForm(form)
	}
	return err
}

// Table writes the items in columns, with further ones where form is wide. One that is
// not wide fits the screen.
func (l Listing[T]) Table(w io.Writer, form string) error {
	columns := l.all()
	if form != "wide" {
		columns = slices.DeleteFunc(slices.Clone(l.Columns), func(col Column[T]) bool {
			return col.Extra || col.Seldom && !l.growing && !slices.ContainsFunc(l.Items, col.has)
		})
	}
	t := table{cuts: make([]Cut, len(columns))}
	for i, col := range columns {
		t.cuts[i] = col.Cut
	}
	t.titles, t.rows = cells(columns, l.Items)
	if l.Width > 0 && form != "wide" {
		t.fit(l.Width)
	}
	return Table(w, t.titles, slices.Values(t.rows))
}

// cells are the texts of a table: times in the zone of the reader. Where all are in one
// zone it stands in the head, else behind each.
func cells[T any](columns []Column[T], items []T) (titles []string, rows [][]string) {
	rows = make([][]string, len(items))
	for i := range items {
		rows[i] = make([]string, len(columns))
	}
	for c, col := range columns {
		title := col.Title
		if col.Time == nil {
			for i, it := range items {
				rows[i][c] = console.Printable(col.Cell(it))
			}
		} else {
			times := make([]time.Time, len(items))
			for i, it := range items {
				times[i] = col.Time(it)
			}
			zone, texts := timetext.Column(times)
			for i := range items {
				rows[i][c] = texts[i]
			}
			title += zone
		}
		titles = append(titles, title)
	}
	return titles, rows
}

func (l Listing[T]) csv(w io.Writer) error {
	columns := l.all()
	for i, col := range columns {
		if at := col.Time; at != nil {
			columns[i].Cell = func(it T) string { return timetext.Exact(at(it)) }
		}
	}
	return CSV(w, titles(columns), rows(columns, l.Items))
}

func (l Listing[T]) names(w io.Writer) error {
	for _, it := range l.Items {
		if _, err := fmt.Fprintln(w, console.Printable(l.Name(it))); err != nil {
			return err
		}
	}
	return nil
}

func (l Listing[T]) all() []Column[T] { return slices.Concat(l.Columns, l.Wide) }

func titles[T any](columns []Column[T]) (titles []string) {
	for _, col := range columns {
		titles = append(titles, col.Title)
	}
	return titles
}

func rows[T any](columns []Column[T], items []T) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		row := make([]string, len(columns))
		for _, it := range items {
			for i, col := range columns {
				row[i] = col.Cell(it)
			}
			if !yield(row) {
				return
			}
		}
	}
}
