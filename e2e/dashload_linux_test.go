package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

var dashRate = flag.Int("dashrate", 0, "results a second that TestDash_UnderLoad shows; 0 skips it")

// TestDash_UnderLoad shows 10,000 monitors on 10 agents, and measures the time
// from a key to the screen that answers it, and the processor that dash takes.
func TestDash_UnderLoad(t *testing.T) {
	if *dashRate == 0 {
		t.Skip("asked for by -dashrate 10000")
	}
	const monitors, agents = 10_000, 10
	addr, dir := freeAddr(t), t.TempDir()
	url := "nats://" + addr
	spawn(t, "broker", "--listen", addr, "--store", dir).line("broker")
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2000))
	if err != nil {
		t.Fatal(err)
	}
	var kv jetstream.KeyValue
	for limit := time.Now().Add(patience); kv == nil; {
		if kv, err = js.KeyValue(t.Context(), wire.MonitorsBucket); err != nil && time.Now().After(limit) {
			t.Fatal(err)
		}
	}
	for m := range monitors {
		data, _ := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: fmt.Sprintf("m%05d", m), Kind: "tcp", Target: "h:1", Every: wire.Duration(10 * time.Second)}})
		for {
			if _, err := js.PublishAsync("$KV."+kv.Bucket()+fmt.Sprintf(".m%05d", m), data); err == nil {
				break
			}
			<-js.PublishAsyncComplete() // the machine is slow
		}
	}
	beat := func() {
		for a := range agents {
			data, _ := json.Marshal(wire.Alive{Agent: fmt.Sprintf("agent%d", a), At: time.Now(), Started: time.Now(), Monitors: monitors})
			nc.Publish(fmt.Sprintf("agent.agent%d.alive", a), data)
		}
	}
	beat()
	<-js.PublishAsyncComplete()
	s := onTerminal(t, "200", "60", nil, "dash", "--broker", url)
	s.see("10000 monitors", "agents 10/10")
	cpu := func() time.Duration { return cpuOf(t, url) }

	seq, begin, used := uint64(0), time.Now(), time.Duration(0)
	var slowest time.Duration
	var measured time.Time
	for sent, pressed := 0, 0; time.Since(begin) < 20*time.Second; {
		for ; sent < int(time.Since(begin).Seconds()*float64(*dashRate)); sent++ {
			seq++
			a, m := sent%agents, sent/agents%monitors
			ns := int64(1e6 + sent%1000)
			data, _ := json.Marshal(wire.Result{Agent: fmt.Sprintf("agent%d", a), Monitor: fmt.Sprintf("m%05d", m), Kind: "tcp", Target: "h:1", Epoch: "E", Seq: seq,
				Run: uint64(sent / agents / monitors), Due: time.Now(), Started: time.Now(), ElapsedNS: ns, LatencyNS: &ns, Outcome: wire.OK, Summary: "connected", Revision: 1, Details: json.RawMessage(`{"connect_ns":1000}`)})
			nc.Publish(fmt.Sprintf("results.agent%d.m%05d", a, m), data)
		}
		if measured.IsZero() && time.Since(begin) > 10*time.Second {
			measured, used = time.Now(), cpu()
		}
		if int(time.Since(begin).Seconds()) > pressed {
			pressed++
			if pressed%5 == 0 {
				beat()
			}
			key := []string{"2", "1"}[pressed%2]
			at := time.Now()
			s.press(key)
			for !strings.Contains(s.screen(), map[string]string{"2": "[2 matrix]", "1": "[1 monitors]"}[key]) && time.Since(at) < 5*time.Second {
			}
			slowest = max(slowest, time.Since(at))
		}
		time.Sleep(2 * time.Millisecond) // so that results go in batches
	}
	share := float64(cpu()-used) / float64(time.Since(measured))
	t.Logf("%d results/s: %.1f %% of a core, slowest key %v (two runs of tmux included)\n%s", *dashRate, 100*share, slowest.Round(time.Millisecond), s.screen())
}

// cpuOf is the processor time of the dash that shows this broker.
func cpuOf(t *testing.T, url string) time.Duration {
	dirs, _ := os.ReadDir("/proc")
	for _, d := range dirs {
		line, err := os.ReadFile("/proc/" + d.Name() + "/cmdline")
		args := strings.Split(string(line), "\x00")
		// The shell and tmux that started it have the same words behind others.
		if err != nil || filepath.Base(args[0]) != "netmon" || !slices.Equal(args[1:], []string{"dash", "--broker", url, ""}) {
			continue
		}
		stat, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		if err != nil {
			continue
		}
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		return time.Duration(user+system) * 10 * time.Millisecond
	}
	t.Fatal("no dash runs")
	return 0
}
