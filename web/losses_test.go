package web

import (
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/wire"
)

// TestPlot_LossOfEachAgent: each agent has a row of its own by name, with what it lost as
// bars and grey where nothing is known; the words and the table say the same.
func TestPlot_LossOfEachAgent(t *testing.T) {
	w := newWorld()
	w.save("web", "icmp", "h")
	w.agent("oslo")
	w.agent("paris-with-a-long-name")
	now := time.Now()
	w.graph = console.Graph{Monitor: "web", From: now.Add(-time.Hour), To: now, Step: wire.Duration(time.Minute)}
	none, half := 0.0, 0.5
	oslo, paris := console.AgentLoss{Agent: "oslo"}, console.AgentLoss{Agent: "paris-with-a-long-name"}
	for i := range 60 {
		at, ns := w.graph.From.Add(time.Duration(i)*time.Minute), int64(1e6)
		w.graph.Columns = append(w.graph.Columns, console.GraphColumn{At: at, Runs: 6, P50NS: &ns, MaxNS: &ns})
		oslo.Columns = append(oslo.Columns, console.LossColumn{At: at, Loss: &none})
		switch {
		case i < 20:
			paris.Columns = append(paris.Columns, console.LossColumn{At: at, Loss: &none})
		case i >= 40:
			paris.Columns = append(paris.Columns, console.LossColumn{At: at, Loss: &half})
		}
	}
	w.stored.losses = []console.AgentLoss{oslo, paris}
	_, h := w.serve(t)
	_, page, _ := get(t, h.URL+"/monitors/web")
	inOrder(t, page, "By agent: oslo: nothing lost; paris-with-a-long-name: at most 50.00% lost.", "<title>oslo: nothing lost</title>", ">oslo</text>", "<title>paris-with-a-long-name: at most 50.00% lost</title>", ">paris-wit…</text>", `class="gap"`, `class="kept"`, `class="loss"`,
		"Lost at most, by agent", "<td>–</td>", "<td>paris-with-a-long-name 50.00%</td>")
	if n := strings.Count(page, `class="loss"`); n != 1 {
		t.Errorf("%d rows have something lost, want that of paris alone", n)
	}
	if _, page, _ = get(t, h.URL+"/monitors/web?agent=oslo"); strings.Contains(page, "By agent") {
		t.Error("a plot of one agent has rows of all")
	}
	if _, page, _ = get(t, h.URL+"/monitors/web?agent=nosuch"); !strings.Contains(page, "No agent &#34;nosuch&#34; runs web") {
		t.Error("nothing is said of an agent that is not known")
	}
}
