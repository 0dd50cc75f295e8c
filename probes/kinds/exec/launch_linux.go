package exec

import (
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

// launcher starts programs on a thread of its own. That thread has no_new_privs (prctl(2)),
// which they inherit: a file with the setuid bit or with capabilities gives them nothing that
// the agent does not have. And it lives as long as the process, so that the kernel ends
// programs when the agent is killed (PR_SET_PDEATHSIG is about the thread).
type launcher struct {
	starts chan func()
	ended  chan struct{}

	mu      sync.Mutex
	orphans map[int]bool // process groups whose rest is ours to reap, see reap
}

func newLauncher() *launcher {
	// Ours are closed in programs as they are; those that this process got from its parent may not be.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11
	l := &launcher{starts: make(chan func()), ended: make(chan struct{}), orphans: map[int]bool{}}
	go l.loop()
	return l
}

func (l *launcher) loop() {
	defer close(l.ended)
	runtime.LockOSThread()                               // and never unlocked: the thread ends with the goroutine
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) // Linux 3.5; without it programs start, too
	for f := range l.starts {
		f()
	}
}

// Close ends the thread. No run may be under way.
func (l *launcher) Close() error {
	close(l.starts)
	<-l.ended
	return nil
}

// start starts a program in a process group of its own, and says when.
func (l *launcher) start(cmd *exec.Cmd) (begin time.Time, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	done := make(chan struct{})
	l.starts <- func() {
		defer close(done)
		begin = time.Now()
		if err = cmd.Start(); err == nil {
			l.mu.Lock()
			delete(l.orphans, cmd.Process.Pid) // of an earlier group with this id
			l.mu.Unlock()
		}
	}
	<-done
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
func (l *launcher) reap(pid int) {
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
