package main

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
)

// listForms are the forms of every list.
func listForms() []string { return []string{"table", "wide", "json", "yaml", "ndjson", "csv", "name"} }

func listFlag() cli.Flag { return outputFlag(listForms()...) }

// listing is a list that a command prints, in the form that was asked for.
type listing[T any] struct {
	kind    string // of the list, for programs
	items   []T
	none    string          // what to say to a person where there is nothing
	name    func(T) string  // what -o name prints
	columns []column[T]     // of a table
	wide    []column[T]     // further ones, of wide and csv
	after   func(io.Writer) // what a person is told below the table
	steady  func(T) string  // what of an item --watch looks at; nil is all of it
}

// column is one column of a table. What cell returns need not be printable.
type column[T any] struct {
	title string
	cell  func(T) string
}

// printList writes data to standard output, and talk to standard error.
func printList[T any](c *cli.Context, l listing[T]) error {
	w := c.App.Writer
	switch form := c.String("output"); form {
	case "", "table", "wide":
		if len(l.items) == 0 {
			fmt.Fprintln(c.App.ErrWriter, l.none)
			return nil
		}
		if err := writeTable(w, l.columnsOf(form), l.items); err != nil {
			return err
		}
		if l.after != nil {
			l.after(c.App.ErrWriter)
		}
		return nil
	case "csv":
		return writeCSV(w, l.columnsOf("wide"), l.items)
	case "name":
		for _, it := range l.items {
			if _, err := fmt.Fprintln(w, console.Printable(l.name(it))); err != nil {
				return err
			}
		}
		return nil
	default:
		return emit(w, form, l.kind, l.items)
	}
}

// columnsOf are the columns of a table; form may be wide.
func (l listing[T]) columnsOf(form string) []column[T] {
	if form == "wide" {
		return append(l.columns[:len(l.columns):len(l.columns)], l.wide...)
	}
	return l.columns
}

func writeTable[T any](w io.Writer, columns []column[T], items []T) error {
	return output.Table(w, titles(columns), rows(columns, items))
}

func writeCSV[T any](w io.Writer, columns []column[T], items []T) error {
	return output.CSV(w, titles(columns), rows(columns, items))
}

func titles[T any](columns []column[T]) (titles []string) {
	for _, col := range columns {
		titles = append(titles, col.title)
	}
	return titles
}

func rows[T any](columns []column[T], items []T) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		row := make([]string, len(columns))
		for _, it := range items {
			for i, col := range columns {
				row[i] = col.cell(it)
			}
			if !yield(row) {
				return
			}
		}
	}
}

// emit writes items for programs. kind names the list.
func emit[T any](w io.Writer, form, kind string, items []T) error {
	known, err := output.List(w, form, kind, items)
	if !known {
		return usage("--output: want %s, got %q", strings.Join(listForms(), ", "), form)
	}
	return err
}

// checkForm refuses a form that a list does not have, before anything is asked.
func checkForm(c *cli.Context) error {
	switch c.String("output") {
	case "", "table", "wide", "json", "yaml", "ndjson", "csv", "name":
		return nil
	}
	return emit(io.Discard, c.String("output"), "", []int(nil))
}
