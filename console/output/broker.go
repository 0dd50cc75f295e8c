package output

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
)

// Broker writes, for people, where and what the broker is, and what it keeps: form is
// table or wide. width is that of the screen, 0 for none.
func Broker(w, talk io.Writer, form string, b console.BrokerInfo, width int) error {
	fmt.Fprintf(w, "%s, server %s, nats-server %s", b.URL, console.Printable(b.Server), console.Printable(b.Version))
	if b.Cluster != "" {
		fmt.Fprintf(w, ", cluster %s", console.Printable(b.Cluster))
	}
	fmt.Fprintf(w, ", round trip %s\n", console.Short(time.Duration(b.RTTNS)))
	if b.Leader != nil {
		fmt.Fprintf(w, "controller on %s since %s\n", console.Printable(b.Leader.Host), timetext.Zoned(b.Leader.Since))
	} else {
		fmt.Fprintln(w, "no controller leads: agents learn of changes from consoles only")
	}
	l := Kept(b.Kept)
	l.Width = width
	return l.Write(w, talk, form)
}

// Kept lists what the broker keeps, and how full it is.
func Kept(kept []console.Kept) Listing[console.Kept] {
	l := Listing[console.Kept]{Kind: "Kept", Items: kept, Columns: []Column[console.Kept]{
		{Title: "KEPT", Cut: Place, Cell: func(k console.Kept) string { return k.Name }},
		{Title: "MESSAGES", Cell: func(k console.Kept) string { return strconv.FormatUint(k.Messages, 10) }},
		{Title: "BYTES", Cell: func(k console.Kept) string { return console.ByteCount(k.Bytes) }},
		{Title: "OF AT MOST", Extra: true, Cell: func(k console.Kept) string {
			if k.MaxBytes <= 0 {
				return "no bound"
			}
			return console.ByteCount(uint64(k.MaxBytes))
		}},
		{Title: "FULL", Cell: func(k console.Kept) string {
			if k.MaxBytes <= 0 {
				return "-"
			}
			return fmt.Sprintf("%.1f %%", 100*float64(k.Bytes)/float64(k.MaxBytes))
		}},
		{Title: "ON DISK", Cell: func(k console.Kept) string {
			if k.Disk == 0 && k.Bytes > 0 {
				return "-"
			}
			if k.MaxDisk > 0 {
				return console.ByteCount(k.Disk) + " of " + console.ByteCount(uint64(k.MaxDisk))
			}
			return console.ByteCount(k.Disk)
		}},
		{Title: "OLDEST", Extra: true, Cell: func(k console.Kept) string {
			if k.First.IsZero() {
				return "-"
			}
			return console.Ago(k.First)
		}},
		{Title: "HOLDS", Cut: Prose, Cell: func(k console.Kept) string {
			if k.Problem != "" {
				return k.Problem
			}
			return k.Holds
		}},
	}}
	for i, col := range l.Columns[1 : len(l.Columns)-1] { // of what is missing nothing is known
		l.Columns[i+1].Cell = func(k console.Kept) string {
			if k.Problem != "" {
				return ""
			}
			return col.Cell(k)
		}
	}
	l.After = func(w io.Writer) {
		for _, k := range kept {
			if r := k.Shortest; r != nil {
				fmt.Fprintf(w, "%s: of %s with the most results, of %d, %s on %s goes back least: to %s, %s results\n", k.Name,
					pairCount(r.Looked), r.Of, console.Printable(r.Monitor), console.Printable(r.Agent), console.Ago(r.First), strconv.FormatUint(r.Results, 10))
			}
		}
	}
	return l
}

func pairCount(n int) string {
	if n == 1 {
		return "the pair of monitor and agent"
	}
	return fmt.Sprintf("the %d pairs of monitor and agent", n)
}
