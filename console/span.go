package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseSpan reads how long something is to last, as people write it: 30m, 2h, 1h30m, 3d.
func ParseSpan(text string) (time.Duration, error) {
	days, rest := time.Duration(0), text
	if n, after, ok := strings.Cut(text, "d"); ok {
		d, err := strconv.Atoi(n)
		if err != nil || d < 0 || d > 3650 {
			return 0, fmt.Errorf("want how long, such as 30m, 2h or 3d, got %q", text)
		}
		days, rest = time.Duration(d)*24*time.Hour, after
	}
	d := days
	if rest != "" || days == 0 {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, fmt.Errorf("want how long, such as 30m, 2h or 3d, got %q", text)
		}
		d += more
	}
	if d <= 0 {
		return 0, fmt.Errorf("want more than no time, such as 30m, 2h or 3d, got %q", text)
	}
	return d, nil
}

// SpanText is the other way: a duration in the units in which people write it.
func SpanText(d time.Duration) string {
	text := ""
	if days := d / (24 * time.Hour); days > 0 {
		text = fmt.Sprintf("%dd", days)
		d -= days * 24 * time.Hour
	}
	if d == 0 && text != "" {
		return text
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return text + s
}
