package output

import (
	"fmt"
	"strconv"
	"time"

	"netmon/console"
)

// Stats lists figures of monitors; a change stands behind a figure where it is compared.
func Stats(list []console.Stats, none string) Listing[console.Stats] {
	type row = console.Stats
	took := func(title string, of func(*console.Figures) *int64) Column[row] {
		return Column[row]{Title: title, Cell: func(s row) string { return nanos(of(&s.Figures)) }}
	}
	change := func(title string, of func(*console.Figures) *int64) Column[row] {
		return Column[row]{Title: title, Cell: func(s row) string {
			if s.Before == nil {
				return "-"
			}
			return changeText(of(&s.Figures), of(s.Before))
		}}
	}
	p50 := func(f *console.Figures) *int64 { return f.P50NS }
	p99 := func(f *console.Figures) *int64 { return f.P99NS }
	return Listing[row]{Kind: "Stats", Items: list, None: none,
		Name: func(s row) string { return s.Monitor },
		Columns: []Column[row]{
			{Title: "MONITOR", Cut: Naming, Cell: func(s row) string { return s.Monitor }},
			{Title: "AGENT", Cut: Naming, Cell: func(s row) string {
				if s.Agent == "" {
					return "(all)"
				}
				return s.Agent
			}},
			{Title: "RUNS", Extra: true, Cell: func(s row) string { return strconv.FormatUint(s.Runs, 10) }},
			{Title: "REACHED", Cell: func(s row) string { return console.PercentText(s.Reached) }},
			{Title: "LOSS", Cell: func(s row) string { return console.PercentText(s.Loss) }},
			took("P50", p50),
			inWide(took("P90", func(f *console.Figures) *int64 { return f.P90NS })),
			took("P95", func(f *console.Figures) *int64 { return f.P95NS }),
			took("P99", p99),
			inWide(took("MAX", func(f *console.Figures) *int64 { return f.MaxNS })),
			took("JITTER", func(f *console.Figures) *int64 { return f.JitterNS }),
			change("P50±", p50),
			inWide(change("P99±", p99)),
		},
		Wide: []Column[row]{
			{Title: "FAILED", Cell: func(s row) string { return strconv.FormatUint(s.Failed, 10) }},
			{Title: "BROKEN", Cell: func(s row) string { return strconv.FormatUint(s.Broken, 10) }},
			took("MIN", func(f *console.Figures) *int64 { return f.MinNS }),
			took("MEAN", func(f *console.Figures) *int64 { return f.MeanNS }),
			{Title: "REACHED BEFORE", Cell: func(s row) string {
				if s.Before == nil {
					return "-"
				}
				return console.PercentText(s.Before.Reached)
			}},
			{Title: "SINCE", Time: func(s row) time.Time { return s.Since }},
		}}
}

// nanos is a length of time, where it was measured.
func nanos(ns *int64) string {
	if ns == nil {
		return "-"
	}
	return console.Short(time.Duration(*ns))
}

// changeText is by how much a figure differs from the previous one.
func changeText(now, before *int64) string {
	if now == nil || before == nil || *before == 0 {
		return "-"
	}
	return fmt.Sprintf("%+.0f%%", 100*(float64(*now)/float64(*before)-1))
}
