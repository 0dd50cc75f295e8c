package judge

import (
	"fmt"
	"slices"
	"time"

	"netmon/wire"
)

// moment is a point in time by the broker's clock, in nanoseconds since 1970; 0 is never.
// It is smaller than time.Time and compares as a number.
type moment int64

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.UnixNano())
}

func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(m)).UTC()
}

func (m moment) add(d time.Duration) moment { return m + moment(d) }

func (m moment) sub(o moment) time.Duration { return time.Duration(m - o) }

// MarshalText writes the moment as people read it.
func (m moment) MarshalText() ([]byte, error) {
	if m == 0 {
		return nil, nil
	}
	return m.time().AppendFormat(nil, time.RFC3339Nano), nil
}

// UnmarshalText reads what MarshalText writes.
func (m *moment) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return err
	}
	if y := t.Year(); y < 1970 || y > 2200 {
		return fmt.Errorf("want a time between 1970 and 2200, got %s", text)
	}
	*m = momentOf(t)
	return nil
}

// word is the word for n, in JSON.
func word[T ~uint8](words []string, n T) ([]byte, error) {
	if int(n) >= len(words) {
		return nil, fmt.Errorf("%d is not one of %q", n, words)
	}
	return []byte(words[n]), nil
}

// ofWord reads what word writes.
func ofWord[T ~uint8](words []string, b []byte, n *T) error {
	i := slices.Index(words, string(b))
	if i < 0 {
		return fmt.Errorf("want one of %q, got %q", words, wire.Clip(string(b), wire.MaxToken))
	}
	*n = T(i)
	return nil
}
