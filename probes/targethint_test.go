package probes

import (
	"strings"
	"testing"
)

func FuzzTargetHint(f *testing.F) {
	for _, s := range []string{"http://x/", "::1:80", "[::1]", "a@b", "10.0.0.0/8", "bücher.test:1", " :", "://", "[", "]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, optional := range []bool{false, true} {
			for _, ports := range []bool{false, true} {
				var noPort *NoPort
				if !ports {
					noPort = &NoPort{Why: "it has no ports", Instead: "measure port %s by another kind"}
				}
				hint := targetHint(s, optional, noPort)
				if hint == nil {
					continue
				}
				_, right, ok := strings.Cut(hint.Error(), ": write ")
				if !ok {
					continue
				}
				right, _, _ = strings.Cut(right, ", or measure")
				right = strings.TrimSuffix(right, ":PORT")
				if _, _, err := ParseTarget(right, "1"); err != nil { // what it says to write is taken
					t.Errorf("%q: %v: %v", s, hint, err)
				}
			}
		}
	})
}
