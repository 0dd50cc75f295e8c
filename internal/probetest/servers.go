package probetest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"netmon/internal/freeport"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// ServeDNS starts the name server of the lab and trusts its certificate in
// ${env:NETMON_TEST_DNS_CA}.
func ServeDNS(t *testing.T) *targets.DNS {
	t.Helper()
	s, err := targets.ServeDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Setenv("NETMON_TEST_DNS_CA", string(s.CA))
	return s
}

func ServeNTP(t *testing.T, b targets.NTPBehaviour) *targets.NTP {
	t.Helper()
	s, err := targets.ServeNTP("127.0.0.1:0", b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// MostWrong is how far an offset may be off after such a round trip, all of
// which may have been one way (RFC 5905 section 4), and what numbers are rounded by.
func MostWrong(rtt time.Duration) time.Duration { return rtt/2 + time.Microsecond }

// ServeTCP runs a server of lab/targets until the test ends.
func ServeTCP(t *testing.T, turns ...targets.TCPTurn) *targets.TCP {
	t.Helper()
	s, err := targets.ServeTCP("127.0.0.1:0", turns...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ClosedTCP is an address at which nobody listens.
func ClosedTCP(t *testing.T) string {
	t.Helper()
	return freeport.Addr(t)
}

// ServeUDP starts a server of lab/targets and returns its address.
func ServeUDP(t *testing.T, s *targets.UDP, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.Addr
}

// ClosedUDP is an address at which nobody listens.
func ClosedUDP(t *testing.T) string {
	t.Helper()
	return freeport.Addr(t)
}

// FreeUDPPort is a port of 127.0.0.1 for programs that cannot be told to take any.
func FreeUDPPort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(freeport.Port(t))
}

// Daemon runs a program until the test ends and shows what it said when the
// test fails.
func Daemon(t *testing.T, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", path, said.String())
		}
	})
}

// ChronyArgs makes chronyd a server on the port, which leaves this host's clock alone.
func ChronyArgs(t *testing.T, port string, more string) []string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "chrony.conf")
	text := "port " + port + "\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\nbindcmdaddress /\npidfile " + filepath.Join(dir, "pid") +
		"\nuser " + me.Username + "\n" + more + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-x", "-U", "-d", "-f", conf}
}

// Neighbours begins runs as an agent does, in slots of 5 ms, for a while: one
// each time of the healthy checks, and now and then one of the noisy ones. It
// returns how many of the healthy ones there were and what the others came to.
func Neighbours(t *testing.T, env *probes.Env, healthy, noisy []*probes.Check, every int, last time.Duration) (runs int, bad []wire.Result) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	busy := map[*probes.Check]bool{} // guarded by mu: runs of one monitor never overlap
	begin := func(c *probes.Check, count bool) {
		mu.Lock()
		goesOn := busy[c]
		busy[c] = true
		mu.Unlock()
		if goesOn {
			return
		}
		all.Add(1)
		ended := func(r wire.Result) {
			defer all.Done()
			mu.Lock()
			defer mu.Unlock()
			busy[c] = false
			if count {
				runs++
				if r.Outcome != wire.OK {
					bad = append(bad, r)
				}
			}
		}
		p, ok := c.Begin(ended)
		if !ok {
			go func() { ended(c.Run(t.Context(), neighbourTimeout, nil)) }()
			return
		}
		time.AfterFunc(neighbourTimeout, func() { p.Stop(context.DeadlineExceeded) })
	}
	for i, start := 0, time.Now(); time.Since(start) < last; i++ {
		if i%every == 0 {
			begin(noisy[i/every%len(noisy)], false)
		}
		for range 2 {
			begin(healthy[i%len(healthy)], true)
			i++
		}
		env.Launched()
		time.Sleep(5 * time.Millisecond)
	}
	all.Wait()
	return runs, bad
}

// NoiseFor is how long the noise continues. More is for whoever counts.
func NoiseFor() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("NETMON_NOISE_SECONDS")); err == nil {
		return time.Duration(n) * time.Second
	}
	return 2 * time.Second
}

// neighbourTimeout is more than a busy machine needs to answer a run: what does
// not come was lost.
const neighbourTimeout = 10 * time.Second

type Turns = []targets.TCPTurn
