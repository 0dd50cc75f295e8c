package exec

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"netmon/probes/internal/figures"
)

// Value is one value of the performance data: 'label'=value[unit];[warn];[crit];[min];[max]
// (Monitoring Plugins Development Guidelines, "Performance data").
type Value struct {
	Label string   `json:"label" help:"label, without its quotes"`
	Value *float64 `json:"value,omitempty" help:"value, in unit; absent where the program could not determine it (U)"`
	Unit  string   `json:"unit,omitempty" help:"unit as the program writes it: s, ms, us, %, B, KB, MB, GB, TB, c for a counter; absent for a plain number"`
	Warn  string   `json:"warn,omitempty" help:"range outside of which the program warns, as it writes it"`
	Crit  string   `json:"crit,omitempty" help:"range outside of which it is critical"`
	Min   *float64 `json:"min,omitempty" help:"least possible value, in unit"`
	Max   *float64 `json:"max,omitempty" help:"greatest possible value, in unit"`

	Quantity string   `json:"quantity,omitempty" help:"what the unit measures: seconds, bytes, percent, counter or number"`
	Base     *float64 `json:"base,omitempty" help:"the value in seconds or bytes, or, of all else, as it is"`
}

// parsePerfdata reads performance data. skipped counts what was none, and the values
// beyond the most that a result has. It is all of other people's making: nothing ends it.
func parsePerfdata(text string) (values []Value, skipped int) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		label, rest, ok := cutLabel(text)
		if !ok {
			skipped++
			if i := strings.IndexAny(text, " \t\r\n"); i >= 0 {
				text = text[i:]
				continue
			}
			break
		}
		item := rest
		text = ""
		if i := strings.IndexAny(rest, " \t\r\n"); i >= 0 {
			item, text = rest[:i], rest[i:]
		}
		v, ok := parseValue(label, item)
		if !ok || len(values) == maxPerfdata {
			skipped++
			continue
		}
		values = append(values, v)
	}
	return values, skipped
}

// cutLabel takes a label off, which is in single quotes where it has spaces, = or quotes in
// it; two quotes are one that belongs to it.
func cutLabel(text string) (label, rest string, ok bool) {
	if !strings.HasPrefix(text, "'") {
		label, rest, ok = strings.Cut(text, "=")
		return label, rest, ok && label != "" && !strings.ContainsAny(label, " \t\r\n'")
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != '\'':
			b.WriteByte(text[i])
		case strings.HasPrefix(text[i+1:], "'"):
			b.WriteByte('\'')
			i++
		default:
			rest, ok = strings.CutPrefix(text[i+1:], "=")
			return b.String(), rest, ok && b.Len() > 0
		}
	}
	return "", "", false
}

// parseValue reads what follows a label.
func parseValue(label, item string) (v Value, ok bool) {
	if len(item) > maxItem {
		return v, false
	}
	parts := strings.Split(item, ";")
	if len(parts) > 5 && strings.Trim(strings.Join(parts[5:], ""), " ") != "" {
		return v, false
	}
	for len(parts) < 5 {
		parts = append(parts, "")
	}
	v.Label = clip(label, maxLabel)
	number := parts[0]
	if number == "U" {
		v.Min, v.Max = numberOf(parts[3]), numberOf(parts[4])
		return v, true
	}
	end := numberEnd(number)
	v.Value = numberOf(number[:end])
	if v.Value == nil || len(number)-end > maxUnit {
		return v, false
	}
	v.Unit = number[end:]
	if strings.ContainsAny(v.Unit, "0123456789'\"") {
		return v, false
	}
	v.Warn, v.Crit = rangeText(parts[1]), rangeText(parts[2])
	v.Min, v.Max = numberOf(parts[3]), numberOf(parts[4])
	var factor float64
	v.Quantity, factor = quantityOf(v.Unit)
	if base := *v.Value * factor; !math.IsInf(base, 0) {
		v.Base = &base
	}
	return v, true
}

// What is longer is no value, and no unit, bytes.
const maxItem, maxUnit = 200, 20

// numberEnd is where a number ends and its unit begins: 1e3 has none, 1e has "e".
func numberEnd(s string) int {
	i := 0
	for i < len(s) && strings.IndexByte("+-0123456789.,", s[i]) >= 0 {
		i++
	}
	if i > 0 && i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if digits := j; j < len(s) {
			for j < len(s) && s[j] >= '0' && s[j] <= '9' {
				j++
			}
			if j > digits {
				i = j
			}
		}
	}
	return i
}

// numberOf reads a finite number, nil where there is none. Some plugins write the comma
// of their language for the point.
func numberOf(s string) *float64 {
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		s = strings.Replace(s, ",", ".", 1)
	}
	if s == "" || numberEnd(s) != len(s) {
		return nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return nil
	}
	return &n
}

// rangeText keeps the text of a range, and nothing else.
func rangeText(s string) string {
	if _, err := parseRange(s); err != nil {
		return ""
	}
	return s
}

// quantityOf says what a unit measures, and how much of it is one of seconds or bytes. A
// K of a program may be 1000 or 1024: it is taken for 1000, unless the program writes KiB.
func quantityOf(unit string) (quantity string, factor float64) {
	switch strings.ToLower(unit) {
	case "":
		return "number", 1
	case "%":
		return "percent", 1
	case "c":
		return "counter", 1
	case "s":
		return "seconds", 1
	case "ms":
		return "seconds", 1e-3
	case "us", "µs":
		return "seconds", 1e-6
	case "ns":
		return "seconds", 1e-9
	case "b":
		return "bytes", 1
	}
	for i, prefix := range []string{"k", "m", "g", "t", "p"} {
		switch strings.ToLower(unit) {
		case prefix + "b":
			return "bytes", math.Pow(1000, float64(i+1))
		case prefix + "ib":
			return "bytes", math.Pow(1024, float64(i+1))
		}
	}
	return "number", 1
}

// span is a range of the guidelines: it alerts outside, or, with @, inside of its ends.
type span struct {
	low, high float64
	inside    bool
}

// parseRange reads a range: [@]start:end, where start is 0 when it is left out, ~ is
// minus infinity and a missing end is infinity (Monitoring Plugins Development Guidelines,
// "Threshold and Ranges").
func parseRange(text string) (r span, err error) {
	wrong := func(why string) (span, error) {
		return span{}, fmt.Errorf("want a range, such as 10, 10:20, 10:, ~:20 or @10:20, got %q: %s", figures.Clip(text), why)
	}
	s, inside := strings.CutPrefix(text, "@")
	r = span{low: 0, high: math.Inf(1), inside: inside}
	low, high, two := strings.Cut(s, ":")
	if !two {
		low, high = "", s
		if s == "" {
			return wrong("it is empty")
		}
	}
	switch n := numberOf(low); {
	case low == "~":
		r.low = math.Inf(-1)
	case n != nil:
		r.low = *n
	case low != "":
		return wrong("its beginning is no number")
	}
	if n := numberOf(high); n != nil {
		r.high = *n
	} else if high != "" {
		return wrong("its end is no number")
	}
	if r.low > r.high {
		return wrong("its beginning is over its end")
	}
	return r, nil
}

// holds says whether a value is as the range wants it: the ends belong to it.
func (r span) holds(v float64) bool { return (v >= r.low && v <= r.high) != r.inside }
