package judge

import (
	"testing"
	"time"
)

// TestBlame: what each agent finds of a monitor, while it finds another one good.
func TestBlame(t *testing.T) {
	for _, c := range []struct {
		name                 string
		paris, tokyo, oregon string
		want                 string
	}{
		{"the target", "refused", "refused", "refused", "down: refused from 3 of 3 agents [target, sure]"},
		{"its name", "no_such_host", "resolve_failed", "no_such_host", "down: bad, mostly no such host, from 3 of 3 agents [dns, sure]"},
		{"its certificate", "certificate", "certificate", "certificate", "down: bad certificate from 3 of 3 agents [tls, sure]"},
		{"the path", "timeout", "good", "good", "degraded: paris times out, oregon and tokyo are fine [path paris, sure]"},
		{"a region", "timeout", "good", "timeout", "down: timeout from 2 of 3 agents [region region=west, sure]"},
		{"nothing that is known", "mismatch", "good", "good", "degraded: paris gets an unexpected answer, oregon and tokyo are fine [unclear]"},
		{"slow everywhere", "slow", "slow", "slow", "degraded: oregon, paris and tokyo find it slow [target, sure]"},
		{"slow from one", "slow", "good", "good", "up: up, seen from 2 of 3 agents; paris finds it slow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.join("paris", map[string]string{"region": "west"})
			w.join("oregon", map[string]string{"region": "west"})
			w.join("tokyo", map[string]string{"region": "east"})
			w.save("web")
			w.save("other")
			for i := range 8 {
				w.all("other", "good", three...)
				if i < 2 {
					w.all("web", "good", three...)
				} else {
					w.run("web", "paris", c.paris)
					w.run("web", "tokyo", c.tokyo)
					w.run("web", "oregon", c.oregon)
				}
				w.wait(10 * time.Second)
			}
			w.want("web", c.want)
		})
	}
}
