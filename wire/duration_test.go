package wire

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDuration_Text(t *testing.T) {
	for text, want := range map[string]struct {
		d             time.Duration
		people, wires string
	}{
		"1d":            {24 * time.Hour, "1d", "24h"},
		"24h":           {24 * time.Hour, "1d", "24h"},
		"2w":            {14 * 24 * time.Hour, "2w", "336h"},
		"1w1d":          {8 * 24 * time.Hour, "8d", "192h"},
		"1d12h":         {36 * time.Hour, "1d12h", "36h"},
		"1.5d":          {36 * time.Hour, "1d12h", "36h"},
		"1d90m":         {25*time.Hour + 30*time.Minute, "1d1h30m", "25h30m"},
		"90m":           {90 * time.Minute, "1h30m", "1h30m"},
		"1m":            {time.Minute, "1m", "1m"},
		"1.5s":          {1500 * time.Millisecond, "1.5s", "1.5s"},
		"-1d":           {-24 * time.Hour, "-24h", "-24h"},
		"0d":            {0, "0s", "0s"},
		"106751d":       {106751 * 24 * time.Hour, "106751d", "2562024h"},
		"8760h0m0.001s": {365*24*time.Hour + time.Millisecond, "365d1ms", "8760h0m0.001s"},
	} {
		d, err := ParseDuration(text)
		if err != nil || d != want.d {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, d, err, want.d)
			continue
		}
		if got := Duration(d).String(); got != want.people {
			t.Errorf("%q for people is %q, want %q", text, got, want.people)
		}
		if data, err := json.Marshal(Duration(d)); err != nil || string(data) != `"`+want.wires+`"` {
			t.Errorf("%q on the wire is %s (%v), want %q", text, data, err, want.wires)
		}
		if back, err := ParseDuration(Duration(d).String()); err != nil || back != d {
			t.Errorf("%q is printed as %q, which is read as %v (%v)", text, Duration(d), back, err)
		}
	}
	for _, text := range []string{"", "d", "1", "7days", "1d-2h", "1h1d", "-", "--1d", "1d ", "1e3d", "200000d", "106751d48h", "d1", "w", "1ms2d"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, d)
		}
	}
}
