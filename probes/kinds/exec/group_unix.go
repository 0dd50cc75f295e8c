//go:build unix

package exec

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// possible says why this system cannot run programs as this kind does.
func possible() error { return nil }

// group is the process group of a program, which is its leader.
type group struct {
	pid int

	mu   sync.Mutex
	gone bool // its number may be another's
}

// kill ends all of the group, and says whether it was there to be ended.
func (g *group) kill() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.gone && syscall.Kill(-g.pid, syscall.SIGKILL) == nil
}

// clear ends what the program left behind when it ended, and says whether anybody was there:
// mostly not, but for the program itself where it has yet to be waited for.
func (g *group) clear() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = true
	return syscall.Kill(-g.pid, syscall.SIGKILL) == nil
}

// signalOf names the signal that ended a program, "" where it ended by itself.
func signalOf(s *os.ProcessState) string {
	status, ok := s.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	return unix.SignalName(status.Signal())
}
