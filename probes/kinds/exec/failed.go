package exec

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"netmon/probes"
	"netmon/wire"
)

// startFailed says why a program was not started, and what to do. Nothing is known of the
// target.
func startFailed(path string, err error) error {
	broken := func(f wire.Failure, cure string) error {
		return probes.Broken(f, "start %s: %w: %s", path, reason(err), cure)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, serr := os.Stat(path); serr == nil {
			return broken(wire.BrokenProgram, "its interpreter, in its first line, is not installed on the agent's host")
		}
		return broken(wire.BrokenProgram, "install it on the agent's host, or run the monitor on agents that have it")
	case errors.Is(err, syscall.ENOEXEC):
		return broken(wire.BrokenProgram, "it is no program for this machine, nor a script whose first line is #! and its interpreter")
	case errors.Is(err, fs.ErrPermission):
		return broken(wire.BrokenPermission, "the agent's user must be allowed to execute it, and its filesystem not be mounted noexec")
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return broken(wire.BrokenLocal, "the agent's host ran out of processes, memory or files, or the service's limit (TasksMax, LimitNPROC) is reached")
	}
	return broken(wire.BrokenProgram, "see whether the agent's user can run it")
}

// notStarted is the error of a run whose ctx ended before its program started.
func notStarted(ctx context.Context) error {
	if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return probes.Broken(wire.BrokenProgram, "the program was not started within the timeout: the filesystem that it is on, or one of another program that was to start before it, does not answer")
}

// reason is the system's word for an error, without the path, which stands before it.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
