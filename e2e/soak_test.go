package e2e

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"netmon/internal/badlink"
)

var (
	soak = flag.Duration("soak", 0, "run random faults for so long")
	seed = flag.Uint64("seed", 1, "of the random faults")
)

// TestSoak lets random faults follow each other under load and then asks for
// the same as TestFaults: go test ./e2e -run Soak -soak 2m -v
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("random faults take as long as you say: go test ./e2e -run Soak -soak 2m -v")
	}
	m := newFaultMesh(t, setup{})
	r := rand.New(rand.NewPCG(*seed, 0))
	some := func(most time.Duration) time.Duration {
		return 50*time.Millisecond + time.Duration(r.Int64N(int64(most)))
	}
	agent := func() string { return faultAgents[r.IntN(len(faultAgents))] }
	random := []struct {
		name string
		do   func()
	}{
		{"kill an agent", func() {
			id := agent()
			m.kill(m.agents[id])
			m.during(some(time.Second))
			m.startAgent(id)
		}},
		{"kill the broker", func() {
			m.kill(m.brokers[0])
			m.during(some(3 * time.Second))
			m.startBroker(0)
			m.brokers[0].line("broker ready on")
		}},
		{"kill the controller", func() {
			m.kill(m.controller)
			m.during(some(time.Second))
			m.startController()
		}},
		{"kill the console", func() {
			m.kill(m.console)
			m.startConsole()
		}},
		{"cut a link", func() {
			l := m.links[agent()][0]
			l.Cut()
			m.during(some(2 * time.Second))
			l.Heal()
		}},
		{"freeze a link", func() {
			l := m.links[agent()][0]
			l.Freeze([]int{badlink.ToTarget, badlink.FromTarget}[r.IntN(2)])
			m.during(some(9 * time.Second))
			if r.IntN(2) == 0 {
				l.Forget()
			}
			l.Heal()
		}},
		{"slow a link", func() {
			l := m.links[agent()][0]
			l.Delay(some(200 * time.Millisecond))
			m.during(some(3 * time.Second))
			l.Heal()
		}},
	}
	counts := map[string]int{}
	for end := time.Now().Add(*soak); time.Now().Before(end); {
		f := random[r.IntN(len(random))]
		counts[f.name]++
		f.do()
		m.during(some(2 * time.Second))
	}
	m.flow()
	l := m.finish()
	if l.Dropped > 0 {
		t.Errorf("%d results are stated as dropped", l.Dropped)
	}
	t.Logf("seed %d, %v: %v; %d results stored, %d of them late", *seed, *soak, counts, l.Stored, l.Late)
}
