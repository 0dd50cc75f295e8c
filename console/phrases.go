package console

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// AgentNotes is what is wrong with an agent, in words.
func AgentNotes(a Agent) []string {
	notes := slices.Clone(a.Notes)
	for _, name := range slices.Sorted(maps.Keys(a.Refused)) {
		notes = append(notes, fmt.Sprintf("cannot run %s: %s", name, a.Refused[name]))
	}
	for _, kind := range slices.Sorted(maps.Keys(a.Cannot)) {
		notes = append(notes, fmt.Sprintf("cannot measure %s: %s", kind, a.Cannot[kind]))
	}
	return notes
}

// LabelText is name=value by commas, in the order of the names.
func LabelText(labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	return strings.Join(out, ",")
}

// ByteCount writes a size in the largest binary unit.
func ByteCount(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// ParseSize reads a number of bytes with a binary unit.
func ParseSize(s string) (int64, error) {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB", "B"} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			v, err := strconv.ParseFloat(number, 64)
			if n := v * math.Pow(1024, float64(4-i)); err == nil && n >= 1 && n < 1<<62 {
				return int64(n), nil
			}
		}
	}
	return 0, fmt.Errorf("want a size such as 500MiB or 4GiB, got %q", s)
}
