package plural

import "testing"

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 agents", 1: "1 agent", 2: "2 agents"} {
		if got := Count(n, "agent", "agents"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}
