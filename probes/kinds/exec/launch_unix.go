//go:build unix && !linux

package exec

import (
	"os/exec"
	"syscall"
	"time"
)

// launcher starts programs. What Linux has beyond this is not here: setuid files give
// programs what they give everybody, and programs outlive an agent that is killed.
type launcher struct{}

func newLauncher() *launcher { return &launcher{} }

// Close implements io.Closer.
func (*launcher) Close() error { return nil }

// start starts a program in a process group of its own, and says when.
func (*launcher) start(cmd *exec.Cmd) (begin time.Time, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin = time.Now()
	return begin, cmd.Start()
}

// awaitEnd has nothing to wait by without taking the program's number off the process table.
func awaitEnd(int) {}

func (*launcher) reap(int) {}
