package retry_test

import (
	"net/http"
	"testing"
	"time"

	"netmon/internal/retry"
)

func TestAfter(t *testing.T) {
	now := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, " 0 ": 0, "1.5": 1500 * time.Millisecond, "99999999999999999999": time.Hour,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
		"": -1, "soon": -1, "-3": -1, "NaN": -1,
	} {
		got, ok := retry.After(text, now, time.Hour)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v, want %v", text, got, ok, want)
		}
	}
}
