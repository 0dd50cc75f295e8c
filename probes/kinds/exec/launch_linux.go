package exec

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// thread starts programs on a thread of its own. That thread has no_new_privs (prctl(2)),
// which they inherit: a file with the setuid bit or with capabilities gives them nothing that
// the agent does not have. And it lives as long as the process, so that the kernel ends a
// program when the agent is killed (PR_SET_PDEATHSIG is about the thread). That is the program
// alone: what it started lives on, since a child does not inherit the signal.
type thread struct {
	starts chan func()
	quit   chan struct{}
	ended  chan struct{}

	mu      sync.Mutex
	orphans map[int]bool // process groups whose rest is ours to reap, see reap
}

func newLauncher() launcher { return newThread() }

func newThread() *thread {
	// Programs have the same user, so that they could read this process's memory, and the
	// environment that it was started with, where secrets are. Now only root can (ptrace(2)).
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	// Ours are closed in programs as they are; those that this process got from its parent may not be.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11
	l := &thread{starts: make(chan func()), quit: make(chan struct{}), ended: make(chan struct{}), orphans: map[int]bool{}}
	go l.loop()
	return l
}

func (l *thread) loop() {
	defer close(l.ended)
	runtime.LockOSThread()                               // and never unlocked: the thread ends with the goroutine
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) // Linux 3.5; without it programs start, too
	for {
		select {
		case f := <-l.starts:
			f()
		case <-l.quit:
			return
		}
	}
}

// Close ends the thread. One that waits for a filesystem ends when that answers.
func (l *thread) Close() error {
	close(l.quit)
	select {
	case <-l.ended:
	case <-time.After(stuckWait):
	}
	return nil
}

func (l *thread) start(ctx context.Context, cmd *exec.Cmd) (begin time.Time, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done := make(chan struct{})
	f := func() {
		defer close(done)
		if err = ctx.Err(); err != nil {
			return
		}
		begin = time.Now()
		if err = cmd.Start(); err == nil {
			l.mu.Lock()
			delete(l.orphans, cmd.Process.Pid) // of an earlier group with this id
			l.mu.Unlock()
		}
	}
	select {
	case l.starts <- f:
		<-done
	case <-ctx.Done(): // the thread is busy: see await
		return begin, ctx.Err()
	case <-l.quit:
		return begin, os.ErrClosed
	}
	if err == nil {
		preferForOOM(cmd.Process.Pid)
	}
	return begin, err
}

// preferForOOM makes the kernel end a program rather than the agent when memory runs out.
func preferForOOM(pid int) {
	if f, err := os.OpenFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString("500") // where that is refused, the kernel chooses by size alone
		f.Close()
	}
}

// finish ends what is left of the group while the program is still on the process table.
func (l *thread) finish(cmd *exec.Cmd, g *group) (e ending) {
	awaitEnd(g.pid)
	e.at = time.Now()
	g.clear()
	e.err = cmd.Wait()
	e.survivors = errors.Is(e.err, exec.ErrWaitDelay)
	l.reap(g.pid)
	return e
}

// awaitEnd waits for the end of a program and leaves it to be waited for: until then its
// number, and that of its group, are no other's.
func awaitEnd(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// reap takes what is left of killed groups off the process table. That is init's task; in a
// container without one the agent is init.
func (l *thread) reap(pid int) {
	if os.Getpid() != 1 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orphans[pid] = true
	for group := range l.orphans {
		for {
			got, err := unix.Wait4(-group, nil, unix.WNOHANG, nil)
			if errors.Is(err, unix.EINTR) || got > 0 {
				continue
			}
			if err != nil { // none is left
				delete(l.orphans, group)
			}
			break
		}
	}
}
