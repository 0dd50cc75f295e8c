package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"netmon/console"
)

// Follower writes what changes of a list: each item that is new, different from
// before, or gone. Its first list is all new. The forms are table, wide, ndjson, csv
// and name.
type Follower[T any] struct {
	w       io.Writer
	form    string
	begun   bool // the head of the table is written
	changes console.Changes[T]
}

// NewFollower makes one that writes to w.
func NewFollower[T any](w io.Writer, form string) *Follower[T] {
	return &Follower[T]{w: w, form: form}
}

// Next writes how a list differs from that of the call before, in one write.
func (f *Follower[T]) Next(l Listing[T]) error {
	var gone []T
	l.Items, gone = f.changes.Next(l.Items, l.Name, l.fingerprint)
	var out bytes.Buffer
	if err := f.rows(&out, l); err != nil {
		return err
	}
	for _, it := range gone {
		if err := printGone(&out, f.form, l.Name(it), it); err != nil {
			return err
		}
	}
	_, err := f.w.Write(out.Bytes())
	return err
}

// Add writes items that came behind earlier ones.
func (f *Follower[T]) Add(l Listing[T]) error {
	var out bytes.Buffer
	if err := f.rows(&out, l); err != nil {
		return err
	}
	_, err := f.w.Write(out.Bytes())
	return err
}

// fingerprint is what of an item is looked at.
func (l Listing[T]) fingerprint(it T) string {
	if l.Steady != nil {
		return l.Steady(it)
	}
	data, err := json.Marshal(it)
	return fmt.Sprint(string(data), err)
}

// rows writes items behind earlier ones; the head of a table comes once.
func (f *Follower[T]) rows(out *bytes.Buffer, l Listing[T]) error {
	if len(l.Items) == 0 {
		return nil
	}
	var err error
	switch f.form {
	case "ndjson":
		_, err = List(out, f.form, l.Kind, l.Items)
		return err
	case "name":
		return l.names(out)
	case "csv":
		err = l.csv(out)
	default:
		l.growing = true
		err = l.Table(out, f.form)
	}
	if f.begun {
		out.ReadBytes('\n')
	}
	f.begun = true
	return err
}

func printGone[T any](out io.Writer, form, name string, it T) error {
	if form != "ndjson" {
		_, err := fmt.Fprintf(out, "%s is gone\n", console.Printable(name))
		return err
	}
	data, err := json.Marshal(it)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `{"deleted":true,%s`+"\n", bytes.TrimPrefix(data, []byte("{")))
	return err
}

// Lines is all that a person sees of the list, as a terminal shows it that is
// drawn over and over: form is table or wide.
func (l Listing[T]) Lines(form string) ([]string, error) {
	var out bytes.Buffer
	if len(l.Items) == 0 {
		fmt.Fprintln(&out, l.None)
	} else if err := l.Table(&out, form); err != nil {
		return nil, err
	}
	if l.After != nil {
		l.After(&out)
	}
	return strings.Split(strings.TrimRight(out.String(), "\n"), "\n"), nil
}
