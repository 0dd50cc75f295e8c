package e2e

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/badlink"
	"netmon/internal/need"
	"netmon/wire"
)

var (
	runFaults = flag.Bool("faults", false, "run the table of faults")
	away      = flag.Duration("away", 10*time.Second, "how long the broker is away in the table of faults")
)

// fault is one row of the table: what happens to a mesh under load.
type fault struct {
	name  string
	setup setup
	do    func(m *faultMesh)
	// lossy says that a spool too small for the outage is part of the fault:
	// then what is lost must be stated.
	lossy bool
}

var faults = []fault{
	{name: "agent killed", do: func(m *faultMesh) {
		for range 3 {
			m.kill(m.agents["paris"])
			m.startAgent("paris")
			m.flow()
		}
	}},
	{name: "broker killed", do: func(m *faultMesh) {
		for range 3 {
			m.kill(m.brokers[0])
			m.startBroker(0)
			m.flow()
		}
	}},
	{name: "controller killed", do: func(m *faultMesh) {
		m.kill(m.controller)
		m.kill(m.agents["tokyo"]) // it resumes by itself
		m.startAgent("tokyo")
		m.flow()
		m.startController()
	}},
	{name: "console killed", do: func(m *faultMesh) {
		m.kill(m.console)
		m.during(time.Second)
		m.startConsole()
		m.flow()
	}},
	{name: "console frozen", do: func(m *faultMesh) {
		m.console.cmd.Process.Signal(syscall.SIGSTOP)
		m.during(3 * time.Second)
		m.console.cmd.Process.Signal(syscall.SIGCONT)
		m.flow()
	}},
	{name: "broker away", do: func(m *faultMesh) {
		m.kill(m.brokers[0])
		m.during(*away)
		m.startBroker(0)
		m.flow()
	}},
	{name: "broker away and agent killed", do: func(m *faultMesh) {
		m.kill(m.brokers[0])
		m.during(time.Second)
		m.kill(m.agents["paris"])
		m.startAgent("paris")
		m.during(time.Second)
		m.kill(m.agents["paris"])
		m.startBroker(0)
		m.startAgent("paris")
		m.flow()
	}},
	{name: "link cut", do: func(m *faultMesh) {
		for range 3 {
			m.links["paris"][0].Cut()
			m.during(500 * time.Millisecond)
			m.links["paris"][0].Heal()
			m.flow()
		}
	}},
	{name: "link half open", do: func(m *faultMesh) {
		for _, direction := range []int{badlink.FromTarget, badlink.ToTarget} {
			from := m.agents["paris"].count()
			begin := time.Now()
			m.links["paris"][0].Freeze(direction)
			m.agents["paris"].lineAfter(from, "lost the connection to the broker")
			if took := time.Since(begin); took > 10*time.Second {
				m.Errorf("a dead link was noticed after %v", took)
			}
			m.links["paris"][0].Forget()
			m.links["paris"][0].Heal()
			m.flow()
		}
	}},
	{name: "slow link", do: func(m *faultMesh) {
		m.links["paris"][0].Delay(100 * time.Millisecond)
		m.during(3 * time.Second)
		m.links["paris"][0].Heal()
		m.flow()
	}},
	{name: "broker's disk full", setup: setup{store: tmpfs("192m")}, do: func(m *faultMesh) {
		from := m.brokers[0].count()
		ballast := m.fillDisk(m.setup.store(m.T))
		m.brokers[0].lineAfter(from, "the broker cannot store anything")
		m.during(2 * time.Second)
		m.remove(ballast)
		m.brokers[0].lineAfter(from, "the broker stores again")
		m.flow()
	}},
	{name: "agent's disk full", setup: setup{state: tmpfs("4m")}, do: func(m *faultMesh) {
		ballast := m.fillDisk(m.states["paris"])
		m.during(2 * time.Second)
		m.kill(m.brokers[0])
		m.during(2 * time.Second)
		m.startBroker(0)
		m.remove(ballast)
		m.flow()
	}},
	{name: "agent's disk too small", setup: setup{state: tmpfs("1m")}, do: func(m *faultMesh) {
		m.kill(m.brokers[0])
		m.during(5 * time.Second) // then results wait in memory, too
		m.startBroker(0)
		m.flow()
	}},
	{name: "spool full", setup: setup{agentArgs: []string{"--spool-size", "256KiB"}}, lossy: true, do: func(m *faultMesh) {
		m.kill(m.brokers[0])
		m.during(4 * time.Second)
		m.startBroker(0)
		m.flow()
	}},
	{name: "stream deleted", do: func(m *faultMesh) {
		m.deleted = true
		js, err := jetstream.New(m.connect())
		if err != nil {
			m.Fatal(err)
		}
		if err := js.DeleteStream(m.Context(), wire.ResultsStream); err != nil {
			m.Fatal(err)
		}
		m.eventually("the controller makes the stream again", func() error {
			_, err := js.Stream(m.Context(), wire.ResultsStream)
			return err
		})
		m.flow()
	}},
	{name: "agent moved to another address", do: func(m *faultMesh) {
		m.links["paris"][0].Cut()
		m.during(time.Second)
		m.agents["paris"].stop()
		m.links["paris"] = []*badlink.Link{badlink.New(m.T, m.addrs[0])}
		m.startAgent("paris")
		m.flow()
	}},
	{name: "each of three servers killed", setup: setup{servers: 3}, do: func(m *faultMesh) {
		for i := range m.brokers {
			m.kill(m.brokers[i])
			m.flow() // two of three continue
			m.startBroker(i)
			m.awaitHealthy()
		}
		m.flow()
	}},
	{name: "spool torn", do: func(m *faultMesh) {
		m.kill(m.brokers[0])
		m.during(time.Second)
		m.kill(m.agents["paris"])
		m.tear()
		m.startBroker(0)
		m.startAgent("paris")
		m.agents["paris"].line("torn")
		m.flow()
	}},
	{name: "state file torn", do: func(m *faultMesh) {
		m.kill(m.agents["paris"])
		path := filepath.Join(m.states["paris"], "state.json")
		data, err := os.ReadFile(path)
		if err != nil {
			m.Fatal(err)
		}
		if err := os.WriteFile(path, data[:len(data)/2], 0o600); err != nil {
			m.Fatal(err)
		}
		m.startAgent("paris")
		m.agents["paris"].line("state file could not be read", "moved it to")
		m.flow() // the controller gives it all again
	}},
}

// TestFaults shows that nothing is lost, stored twice or put out of order by
// any of the faults: go test ./e2e -run Faults -faults -v
func TestFaults(t *testing.T) {
	if !*runFaults {
		t.Skip("the table of faults takes minutes: go test ./e2e -run 'Faults|Soak' -faults -v")
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\tstored\tlate\tstated as dropped\tkilled\ttook\tnothing lost, none twice, in order")
	for _, f := range faults {
		verdict := "" // not run
		t.Run(f.name, func(t *testing.T) {
			begin := time.Now()
			verdict = "FAILED"
			m := newFaultMesh(t, f.setup)
			m.during(500 * time.Millisecond)
			f.do(m)
			l := m.finish()
			if f.lossy != (l.Dropped > 0) {
				t.Errorf("%d results are stated as dropped", l.Dropped)
			}
			if !t.Failed() {
				verdict = "yes"
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1f s\t%s\n", f.name, l.Stored, l.Late, l.Dropped, m.killed, time.Since(begin).Seconds(), verdict)
		})
		if verdict == "FAILED" {
			fmt.Fprintf(w, "%s\t\t\t\t\t\t%s\n", f.name, verdict)
		}
	}
	w.Flush()
	t.Log("\n" + table.String())
}

// tmpfs makes a small file system for a test, once: further calls return the same.
func tmpfs(size string) func(*testing.T) string {
	made := map[string]string{}
	return func(t *testing.T) string {
		t.Helper()
		if dir, ok := made[t.Name()]; ok {
			return dir
		}
		need.Root(t)
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			need.Missing(t, "the right to mount a tmpfs: %v", err)
		}
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		made[t.Name()] = dir
		return dir
	}
}

// fillDisk takes all the room of a folder's file system and returns the file that has it.
func (m *faultMesh) fillDisk(dir string) string {
	m.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	piece := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(piece)
	}
	return path
}

func (m *faultMesh) remove(path string) {
	m.Helper()
	if err := os.Remove(path); err != nil {
		m.Fatal(err)
	}
}

// tear leaves half of a record at the end of the newest segment of paris, as a
// process that was killed while it wrote does.
func (m *faultMesh) tear() {
	m.Helper()
	paths, err := filepath.Glob(filepath.Join(m.states["paris"], "spool", "*.segment"))
	if err != nil || len(paths) == 0 {
		m.Fatalf("no segment: %v", err)
	}
	slices.Sort(paths)
	f, err := os.OpenFile(paths[len(paths)-1], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{200, 1, 0, 0, 7, 7, 7, 7, 1, 2, 3}); err != nil {
		m.Fatal(err)
	}
}

// awaitHealthy waits until every server has its copies of everything: killing a
// second one before would be more than the cluster promises to survive.
func (m *faultMesh) awaitHealthy() {
	m.Helper()
	for _, addr := range m.health {
		m.eventually("a healthy server", func() error {
			resp, err := http.Get("http://" + addr + "/healthz")
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				why, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
				return fmt.Errorf("%s: %s", resp.Status, why)
			}
			return nil
		})
	}
}
