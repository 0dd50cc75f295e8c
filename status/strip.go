package status

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// A strip has a bar for each day, in a box of this height.
const (
	barWide   = 4
	stripHigh = 28
)

// stripOf draws days. Worse is taller, and no data is a low dash. Neighbours that are alike
// are one path, which the style sheet cuts into bars.
func stripOf(days *[Days]Day) template.HTML {
	paths, classes := map[string]*strings.Builder{}, []string{"up", "mnt", "deg", "down", "unk"}
	for _, c := range classes {
		paths[c] = &strings.Builder{}
	}
	for i := 0; i < Days; {
		class, n := days[i].State.Class(), 1
		for i+n < Days && days[i+n].State.Class() == class {
			n++
		}
		fmt.Fprintf(paths[class], "M%d 0h%d", i*barWide, n*barWide-1)
		i += n
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="strip" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`, Days*barWide, stripHigh, template.HTMLEscapeString(stripText(days)))
	for _, c := range classes {
		if d := paths[c].String(); d != "" {
			fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, c, d)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // #nosec G203 -- numbers and words of ours
}

// stripText is a strip in words.
func stripText(days *[Days]Day) string {
	n := map[string]int{}
	for i := range days {
		n[days[i].State.Class()]++
	}
	var list []string
	for _, x := range []struct{ class, word string }{{"up", "running"}, {"mnt", "maintenance"}, {"deg", "slow or partly reachable"}, {"down", "down"}, {"unk", "no data"}} {
		if n[x.class] > 0 {
			list = append(list, fmt.Sprintf("%d %s", n[x.class], x.word))
		}
	}
	return fmt.Sprintf("%d days: %s", Days, strings.Join(list, ", "))
}

// dayRow is one or more days that were alike, for the table of a service.
type dayRow struct {
	When, Word, Class, Mark string
	Uptime, Words           string
}

// rowsOf are the days as a table, the newest first: those in a row on which nothing
// happened are one row, so that who hears the table gets through it.
func rowsOf(days *[Days]Day, now time.Time) (rows []dayRow) {
	for i := Days - 1; i >= 0; {
		d := &days[i]
		row := dayRow{When: dayText(d.Date, now), Word: dayWord(d), Class: d.State.Class(), Mark: d.State.Mark(), Uptime: dayUptime(d), Words: dayWords(d)}
		k := i
		for row.Words == "" && k > 0 && days[k-1].State == d.State && dayUptime(&days[k-1]) == row.Uptime && dayWords(&days[k-1]) == "" {
			k--
		}
		if k < i {
			row.When = dayText(days[k].Date, now) + " to " + row.When
		}
		rows = append(rows, row)
		i = k - 1
	}
	return rows
}
