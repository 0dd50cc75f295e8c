package output

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"netmon/console"
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
	Wide    []Column[T]     // further ones, of wide and csv
	After   func(io.Writer) // what a person is told below the table
	Steady  func(T) string  // what of an item a Follower looks at; nil is all of it
}

// Column is one column of a table. What Cell returns need not be printable.
type Column[T any] struct {
	Title string
	Cell  func(T) string
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

// Table writes the items in columns, with further ones where form is wide.
func (l Listing[T]) Table(w io.Writer, form string) error {
	columns := l.Columns
	if form == "wide" {
		columns = l.all()
	}
	return Table(w, titles(columns), rows(columns, l.Items))
}

func (l Listing[T]) csv(w io.Writer) error {
	columns := l.all()
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

func (l Listing[T]) all() []Column[T] { return append(slices.Clip(l.Columns), l.Wide...) }

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
