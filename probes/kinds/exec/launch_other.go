//go:build !unix

package exec

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// possible says why this system cannot run programs as this kind does: it has no process
// groups to end, and no modes by which an agent could tell who may change a program.
func possible() error {
	return probes.Broken(wire.BrokenPermission, "kind exec runs on Linux, macOS and the BSDs, and not on %s", runtime.GOOS)
}

type launcher struct{}

func newLauncher() *launcher { return &launcher{} }

// Close implements io.Closer.
func (*launcher) Close() error { return nil }

func (*launcher) start(*exec.Cmd) (time.Time, error) { return time.Time{}, errors.ErrUnsupported }

func (*launcher) reap(int) {}

func awaitEnd(int) {}

type group struct{ pid int }

func (g *group) kill() bool { return false }
func (g *group) clear()     {}

func signalOf(*os.ProcessState) string { return "" }
