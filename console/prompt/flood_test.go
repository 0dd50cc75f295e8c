package prompt

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/wire"
)

func width(s string) int { return ansi.StringWidth(s) }

// TestPrompt_LosesNoKeyUnder10000ResultsASecond types at the real program, by
// bytes, as a terminal would send them, while results come in.
func TestPrompt_LosesNoKeyUnder10000ResultsASecond(t *testing.T) {
	need.Time(t)
	d := newDesk(t)
	d.m.printing = false
	const long = 3 * time.Second
	ran := make(chan string, 1)
	d.m.o.Execute = func(_ context.Context, args []string, out, errs io.Writer) int {
		fmt.Fprintf(out, "did %s\n", args[2])
		ran <- strings.Join(args, " ")
		return 0
	}
	in, keys := io.Pipe()
	var out testlog.Buffer
	p := tea.NewProgram(d.m, tea.WithInput(in), tea.WithOutput(&out), tea.WithoutSignalHandler(), tea.WithWindowSize(80, 24), tea.WithFPS(30))
	ended := make(chan error, 1)
	go func() { _, err := p.Run(); ended <- err }()

	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	added := 0
	begin := time.Now()
	flood.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ctx.Err() == nil; <-tick.C {
			for due := int(time.Since(begin).Seconds() * 10_000); added < due; added++ {
				d.m.o.Stream.Add(wire.Result{Agent: "paris", Monitor: fmt.Sprintf("m%05d", added%10_000), Kind: "tcp", Outcome: wire.OK, Summary: "connected", Started: time.Now()})
			}
		}
	})

	var worst time.Duration
	lines := 0
	for ; time.Since(begin) < long; lines++ {
		want := fmt.Sprintf("get monitor name-%03d-é", lines)
		var last time.Time
		for _, r := range want + "\r" {
			last = time.Now()
			if _, err := keys.Write([]byte(string(r))); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case got := <-ran:
			worst = max(worst, time.Since(last))
			if got != want {
				t.Fatalf("typed %q, ran %q", want, got)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%q does not run", want)
		}
	}
	stop()
	flood.Wait()
	rate := float64(added) / time.Since(begin).Seconds()
	// Every command's output is shown, however many results came between. What is in the
	// prompt's own area is drawn in parts: more commands push it out of there.
	for range 24 {
		keys.Write([]byte("get monitor after\r"))
		<-ran
	}
	for limit := time.Now().Add(time.Minute); !strings.Contains(out.String(), fmt.Sprintf("did name-%03d-é", lines-1)); time.Sleep(beat) {
		if time.Now().After(limit) {
			t.Fatal("the last command's output is not shown")
		}
	}
	keys.Write([]byte{4}) // Ctrl-D
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		if !strings.Contains(out.String(), fmt.Sprintf("did name-%03d-é", i)) {
			t.Errorf("the output of command %d is lost", i)
		}
	}
	if !strings.Contains(out.String(), "more results") {
		t.Error("what is not shown is not counted")
	}
	t.Logf("%d keys and %.0f results/s: no key lost, Enter to run at worst %v", lines*24, rate, worst)
}
