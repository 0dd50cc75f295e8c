package output

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"

	"netmon/console"
)

// Version is that of the lists. Within it fields are only added.
const Version = "netmon/v1"

// List writes items as json, yaml or ndjson; any other form is not known, and
// nothing is written. kind names the list.
func List[T any](w io.Writer, form, kind string, items []T) (known bool, err error) {
	if items == nil {
		items = []T{}
	}
	list := struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Items      []T    `json:"items"`
	}{Version, kind, items}
	switch form {
	case "json":
		return true, JSON(w, list)
	case "yaml":
		return true, YAML(w, list)
	case "ndjson":
		for _, it := range items {
			data, err := JSONLine(it)
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				return true, err
			}
		}
		return true, nil
	}
	return false, nil
}

// Table writes rows in columns, for people. Cells need not be printable.
func Table(w io.Writer, titles []string, rows iter.Seq[[]string]) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(titles, "\t"))
	for row := range rows {
		fmt.Fprintln(t, strings.Join(printable(row), "\t"))
	}
	return t.Flush()
}

// CSV writes rows for spreadsheets and scripts, below a head line of lower-case words.
func CSV(w io.Writer, titles []string, rows iter.Seq[[]string]) error {
	out := csv.NewWriter(w)
	head := make([]string, len(titles))
	for i, title := range titles {
		head[i] = strings.ReplaceAll(strings.ToLower(title), " ", "_")
	}
	err := out.Write(head)
	for row := range rows {
		if err == nil {
			err = out.Write(printable(row))
		}
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

func printable(row []string) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		out[i] = console.Printable(cell)
	}
	return out
}
