//go:build unix

package exec

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// plain starts programs on macOS and the BSDs; Linux has a launcher of its own, and compiles
// this one for its tests alone. What Linux has beyond this is not here: setuid files give
// programs what they give everybody, and programs outlive an agent that is killed.
type plain struct{}

// Close implements io.Closer.
func (plain) Close() error { return nil }

func (plain) start(ctx context.Context, cmd *exec.Cmd) (begin time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return begin, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begin = time.Now()
	return begin, cmd.Start()
}

// finish takes the program's number off the process table first: there is no way to wait
// that leaves it there (on macOS waitid(2) returns for a stopped process, too). The number of
// a group that still has members is no other's. Members that hold the output open do so for
// outputWait, and are ended then.
func (plain) finish(cmd *exec.Cmd, g *group) (e ending) {
	e.err = cmd.Wait()
	e.at = time.Now()
	open := errors.Is(e.err, exec.ErrWaitDelay)
	if open {
		e.at = e.at.Add(-cmd.WaitDelay) // it begins with the program's end
	}
	left := g.clear()
	e.survivors = open && !left
	return e
}
