package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestDelivery_Fit: whatever the other side said, the mesh takes what became of a notice.
func TestDelivery_Fit(t *testing.T) {
	at := time.Date(2026, 11, 30, 10, 0, 0, 123456789, time.UTC)
	name := strings.Repeat("n", MaxToken)
	for what, text := range map[string]string{"nothing": "", "short": "refused", "plain": strings.Repeat("x", 5000), "escaped": strings.Repeat("<", 5000), "control": strings.Repeat("\x01", 5000), "wide": strings.Repeat("\u2028", 5000)} {
		n := Notice{Channel: name, Incident: name, N: 1<<64 - 1}
		d := Delivery{Channel: name, Incident: name, N: n.N, Key: n.Key(), Shown: n.N, Outcome: Undelivered, Attempts: 1 << 62, First: at, At: at, Next: at,
			Error: text, Answer: text, Thread: text, Kind: name, By: name}
		d.Fit()
		data, err := json.Marshal(d)
		if err != nil || len(data) > MaxDelivery {
			t.Errorf("%s: %d bytes: %v", what, len(data), err)
		}
		if len(text) < 100 && (d.Error != text || d.Answer != text || d.Thread != text) || len(text) > 0 && len(d.Error) < 3 || !utf8.ValidString(d.Error) {
			t.Errorf("%s: %+v", what, d)
		}
	}
	for _, most := range []int{-1, 0, 1, 2, 3} {
		if got := ClipJSON("<<<<", most); len(got) > max(0, most) {
			t.Errorf("at most %d: %q", most, got)
		}
	}
}
