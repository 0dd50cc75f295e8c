//go:build !unix

package exec

import (
	"context"
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

// none starts nothing.
type none struct{}

func newLauncher() launcher { return none{} }

// Close implements io.Closer.
func (none) Close() error { return nil }

func (none) start(context.Context, *exec.Cmd) (time.Time, error) {
	return time.Time{}, errors.ErrUnsupported
}

func (none) finish(*exec.Cmd, *group) ending { return ending{err: errors.ErrUnsupported} }

type group struct{ pid int }

func (g *group) kill() bool { return false }

func signalOf(*os.ProcessState) string { return "" }
