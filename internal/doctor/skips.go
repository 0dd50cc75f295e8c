package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

const (
	askSkips    = 20 // agents that skip are asked for their monitors, at most
	reportSkips = 3  // of those are listed, the worst first
)

// examineSkips names the monitors that skip ticks. That an agent skips, its
// heartbeat says; of which monitors, only itself.
func examineSkips(ctx context.Context, cl *console.Client, agents []console.Agent) (list []Finding) {
	skips := func(a console.Agent) bool { return a.Online && a.Skipped > 0 }
	asked := 0
	for _, a := range agents {
		if !skips(a) || asked == askSkips {
			continue
		}
		asked++
		var worst []wire.MonitorReply
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := cl.Running(ctx, a.Agent, false, func(m wire.MonitorReply) {
			if m.Skipped > 0 {
				worst = append(worst, m)
			}
		})
		cancel()
		if err != nil || len(worst) == 0 { // what skipped does not run any more
			continue
		}
		list = append(list, Finding{"agent " + a.Agent, Warning, skipText(worst), "a run that waits for its target runs into the next ticks: give it a timeout below its interval; " +
			"if its runs end in time, the host is overloaded"})
	}
	return list
}

// skipText names monitors that skip, the worst first.
func skipText(all []wire.MonitorReply) string {
	slices.SortStableFunc(all, func(a, b wire.MonitorReply) int { return cmp.Compare(b.Skipped, a.Skipped) })
	var parts []string
	for _, m := range all[:min(reportSkips, len(all))] {
		parts = append(parts, fmt.Sprintf("%s %d of %d", m.Name, m.Skipped, m.Skipped+m.Runs))
	}
	text := "ticks were skipped: " + strings.Join(parts, ", ")
	if more := len(all) - reportSkips; more > 0 {
		text += fmt.Sprintf(", and of %d more monitors", more)
	}
	return text
}
