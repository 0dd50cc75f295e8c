package e2e

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"netmon/wire"
)

var withShifted = flag.Bool("shifted", false, "build netmon with a clock that is an hour ahead: it compiles the standard library, too")

// shiftedNetmon is netmon for a host whose clock is an hour ahead. A process cannot
// have a wall clock of its own, so its runtime is built with another time.now.
func shiftedNetmon(t *testing.T) string {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the clock is read in another way on " + runtime.GOARCH)
	}
	dir := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "runtime")
	clock := filepath.Join(source, "time_linux_amd64.s")
	text, err := os.ReadFile(clock)
	if err != nil {
		t.Fatal(err)
	}
	real := strings.Replace(string(text), "TEXT time·now<ABIInternal>", "TEXT ·realNow<ABIInternal>", 1)
	if real == string(text) {
		t.Skip("this Go reads the clock in another way: time·now is not in " + clock)
	}
	overlay := map[string]string{}
	for name, text := range map[string]string{"time_linux_amd64.s": real, "timeasm.go": `package runtime

import _ "unsafe"

func realNow() (sec int64, nsec int32, mono int64)

//go:linkname time_now time.now
func time_now() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = realNow()
	return sec + 3600, nsec, mono
}
`} {
		overlay[filepath.Join(source, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file, bin := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "netmon")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-overlay", file, "-o", bin, "netmon/cmd/netmon")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

// TestBlame_Clock has one agent of three whose clock is an hour ahead: by it, the web
// server's certificate has expired.
func TestBlame_Clock(t *testing.T) {
	if !*withShifted {
		t.Skip("compiles the standard library anew: go test ./e2e -run TestBlame_Clock -shifted -v")
	}
	c := newCities(t, cityMonitors(), shiftedNetmon(t))
	c.verdicts.await("rome is named for its clock", 4*patience, func() bool {
		b := c.verdicts.agents["rome"].Blame
		return b != nil && b.Class == wire.BlameClock
	})
	c.verdicts.await("all is up", 2*patience, func() bool {
		for _, v := range c.verdicts.of {
			if v.State != wire.VerdictUp {
				return false
			}
		}
		return len(c.verdicts.of) == strings.Count(cityMonitors(), "{name:")
	})
	said := c.verdicts.waitAgent("rome", wire.AgentAble)
	t.Logf("%s: %s", said.Blame.Class, said.Why)
	for name, n := range c.verdicts.changed(nil) {
		if n > 2 { // unknown at first, then up
			t.Errorf("%s changed its state %d times", name, n)
		}
	}
}
