package graph

import (
	"strings"
	"time"
)

// Zone names the zone of the times on an axis; both, where clocks change between them.
func Zone(from, to time.Time) string {
	a, _ := from.Local().Zone()
	if b, _ := to.Local().Zone(); b != a && len(a)+len(b) < Margin-2 {
		return a + "/" + b
	}
	return a
}

// timeAxis writes times below columns of a length, in local time.
func timeAxis(from time.Time, columns int, step time.Duration) string {
	layout, every := "15:04", 12
	switch whole := step * time.Duration(columns); {
	case whole > 10*24*time.Hour:
		layout = "Jan 2"
	case whole > 36*time.Hour:
		layout, every = "Jan 2 15h", 14
	}
	return Axis(columns, every, func(i int) string { return from.Add(time.Duration(i) * step).Local().Format(layout) })
}

// Axis writes labels below columns. From a column that has none (label returns "") it continues to
// the next; two begin at least every columns apart, and each has room for all of itself.
func Axis(columns, every int, label func(column int) string) string {
	line := []rune(strings.Repeat(" ", max(columns, 0)))
	for i := 0; i < columns; {
		text := []rune(label(i))
		if len(text) == 0 {
			i++
			continue
		}
		if i+len(text) > columns {
			break
		}
		copy(line[i:], text)
		i += max(every, len(text)+2)
	}
	return strings.TrimRight(string(line), " ")
}
