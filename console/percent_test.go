package console

import "testing"

func TestPercentText(t *testing.T) {
	for part, want := range map[float64]string{1: "100%", 0: "0%", 0.9999999: "99.999%", 0.0000001: "0.001%", 0.999: "99.900%", 0.5: "50.00%", 0.004: "0.400%"} {
		if got := PercentText(&part); got != want {
			t.Errorf("PercentText(%v) = %q, want %q", part, got, want)
		}
	}
	if got := PercentText(nil); got != "-" {
		t.Errorf("of nothing %q", got)
	}
}
