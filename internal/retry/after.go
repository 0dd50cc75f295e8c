package retry

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// After reads the header Retry-After of an answer: seconds, or a date. It is most at most.
func After(text string, now time.Time, most time.Duration) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && n >= 0 { // some services write fractions
		return time.Duration(min(n, most.Seconds()) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), most), true
	}
	return 0, false
}
