//go:build unix

package agent

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestAgentProcess is not a test: it is the agent that another test kills.
func TestAgentProcess(t *testing.T) {
	url, state, ok := strings.Cut(os.Getenv("NETMON_TEST_AGENT"), " ")
	if !ok {
		t.Skip("skipped: it is started by TestAgent_EveryTickIsAccountedFor")
	}
	a, err := New(Options{Kinds: kinds.All(), ID: "paris", State: state, Version: "1.2.3", Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(url, o...) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestAgent_EveryTickIsAccountedFor: over a kill, a process that does not get the
// processor and a broker that is unreachable, who has the stream alone can account for every
// tick of a monitor what became of it. Runs that are asked for all the time change
// nothing of that, also where one of them was the last before a kill.
func TestAgent_EveryTickIsAccountedFor(t *testing.T) {
	need.Time(t)
	const every = 50 * time.Millisecond
	b := natstest.Start(t)
	state := t.TempDir()
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAgentProcess$")
		cmd.Env = append(os.Environ(), "NETMON_TEST_AGENT="+b.URL()+" "+state)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	nc := natstest.Connect(t, b, nats.MaxReconnects(-1))
	stored := func() (all []wire.Result) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		stream, err := natstest.JetStream(t, nc).Stream(ctx, wire.ResultsStream)
		if err != nil {
			return nil // the broker is coming back
		}
		info, err := stream.Info(ctx)
		if err != nil {
			return nil
		}
		c, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
		if err != nil {
			return nil
		}
		for uint64(len(all)) < info.State.Msgs {
			m, err := c.Next(jetstream.FetchMaxWait(10 * time.Second))
			if err != nil {
				return nil
			}
			r, err := wire.DecodeResult(m.Subject(), m.Data())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		return all
	}
	more := func(n int) []wire.Result {
		t.Helper()
		want := len(stored()) + n
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if all := stored(); len(all) >= want {
				return all
			}
		}
		t.Fatalf("waited too long for %d results", n)
		return nil
	}

	agent := start()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := nc.Request("agent.paris.cmd", []byte(`{"op":"start","monitors":[{"name":"web","kind":"tcp","target":"127.0.0.1:9","every":"50ms"}]}`), time.Second); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	asking, stopAsking := context.WithCancel(t.Context())
	var asker sync.WaitGroup
	defer asker.Wait()
	defer stopAsking()
	asker.Go(func() {
		again := time.NewTicker(every)
		defer again.Stop()
		for asking.Err() == nil {
			nc.Publish("agent.paris.cmd", []byte(`{"op":"run","names":["web"]}`))
			select {
			case <-again.C:
			case <-asking.Done():
			}
		}
	})
	more(10)
	agent.Process.Signal(syscall.SIGKILL)
	agent.Wait()
	time.Sleep(10 * every) // ticks that nobody makes
	agent = start()
	more(10)
	agent.Process.Signal(syscall.SIGSTOP)
	time.Sleep(10 * every)
	agent.Process.Signal(syscall.SIGCONT)
	more(10)
	b = natstest.Restart(t, b)
	more(10)
	agent.Process.Signal(syscall.SIGKILL)
	agent.Wait()
	all := stored()

	missed, skipped, asked := uint64(0), uint64(0), 0
	for i, r := range all {
		if r.Asked != "" {
			asked++
		}
		missed, skipped = missed+r.Missed, skipped+r.Skipped
		if i > 0 && r.Run != all[i-1].Run+1 {
			t.Errorf("run %d follows %d", r.Run, all[i-1].Run)
		}
	}
	if holes := unaccounted(all, every); len(holes) > 0 {
		t.Errorf("of %d results: ticks that nobody tells of: %v", len(all), holes)
	}
	if asked < 10 {
		t.Errorf("%d runs were asked for", asked)
	}
	if missed < 8 || skipped < 8 {
		t.Errorf("%d missed and %d skipped, want 10 at least, or a few less", missed, skipped)
	}
}
