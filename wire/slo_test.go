package wire

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseSLO(t *testing.T) {
	for text, want := range map[string]SLO{
		"99.9": {Objective: 99.9}, "99.95/90d": {Objective: 99.95, Window: Duration(90 * 24 * time.Hour)}, "50/2w": {Objective: 50, Window: Duration(14 * 24 * time.Hour)},
	} {
		s, err := ParseSLO(text)
		if err != nil || s != want || s.String() != text {
			t.Errorf("%q is %+v %v, written %q", text, s, err, s.String())
		}
	}
	for text, want := range map[string]string{
		"": "want PERCENT or PERCENT/WINDOW", "99,9": `got "99,9"`, "100": "more than 0 and less than 100", "0": "got 0", "NaN": "got NaN", "99.9/1h": `window: want 3d to 366d, got "1h"`, "99.9/": "window",
	} {
		if s, err := ParseSLO(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v %v, want %q", text, s, err, want)
		}
	}
	if err := (SLO{Objective: math.Inf(1)}).Validate(); err == nil {
		t.Error("infinite percent are let in")
	}
}
