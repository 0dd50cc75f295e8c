package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Duration is a length of time that people write and read as "1.5s" or "200ms".
type Duration time.Duration

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d without the zero units that the standard library adds: 1m, not 1m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a Go duration: a number and a unit, such as "10s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("want a number with a unit such as 10s or 200ms, got %q", Clip(string(b), 60))
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
		return fmt.Errorf("want a number with a unit such as 10s or 200ms, got %q", Clip(string(b), 60))
	}
	return d.UnmarshalText([]byte(s))
}
