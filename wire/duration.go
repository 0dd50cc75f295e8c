package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time that people write and read as "1.5s", "200ms" or "1d12h".
type Duration time.Duration

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d for people, in the form that they write: 1m, not 1m0s; 1d12h; 2w.
func (d Duration) String() string {
	v := time.Duration(d)
	switch {
	case v < day:
		return d.hours()
	case v%week == 0:
		return strconv.FormatInt(int64(v/week), 10) + "w"
	}
	text := strconv.FormatInt(int64(v/day), 10) + "d"
	if rest := v % day; rest > 0 {
		text += Duration(rest).hours()
	}
	return text
}

// hours writes d without the zero units that the standard library adds.
func (d Duration) hours() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// MarshalText writes d for programs: hours are the longest unit, so that whatever reads
// Go's durations, and every earlier version of netmon, reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.hours()), nil }

// ParseDuration reads a number with a unit, or several of them: those of Go, and days of
// 24 hours and weeks, such as 90m, 1d12h or 2w.
func ParseDuration(text string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(text, "-")
	if !negative {
		rest = strings.TrimPrefix(rest, "+")
	}
	sum := time.Duration(0)
	for {
		i := strings.IndexAny(rest, "wd")
		if i < 0 {
			break
		}
		unit := day
		if rest[i] == 'w' {
			unit = week
		}
		v, err := time.ParseDuration(rest[:i] + "h") // a number alone, with its fraction
		n := unit / time.Hour
		if err != nil || strings.Trim(rest[:i], "0123456789.") != "" || v > math.MaxInt64/n || sum > math.MaxInt64-v*n {
			return 0, notDuration(text)
		}
		sum += v * n
		if rest = rest[i+1:]; rest == "" {
			return signed(sum, negative), nil
		}
	}
	v, err := time.ParseDuration(rest)
	if err != nil || rest[0] == '-' || rest[0] == '+' || sum > math.MaxInt64-v {
		return 0, notDuration(text)
	}
	return signed(sum+v, negative), nil
}

func signed(d time.Duration, negative bool) time.Duration {
	if negative {
		return -d
	}
	return d
}

func notDuration(text string) error {
	return fmt.Errorf("want a number with a unit such as 10s, 200ms or 1d, got %q", Clip(text, 60))
}

// UnmarshalText reads what [ParseDuration] reads.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// UnmarshalJSON reads a string; a bare number has no unit and is refused by name.
// As everywhere in JSON, null changes nothing.
func (d *Duration) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return notDuration(string(b))
	}
	return d.UnmarshalText([]byte(s))
}
