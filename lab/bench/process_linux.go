package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is one that bench has started. Its standard input is a pipe.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // of its output; what nobody reads is dropped
	log   *os.File
	ended chan struct{}
}

// spawn starts a program in dir; what it says on standard error is kept in dir/name.log.
func spawn(ctx context.Context, dir, name, program string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, program, args...), lines: make(chan string, 1000), log: log, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir, "XDG_CONFIG_HOME="+dir, "NO_COLOR=1")
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		defer close(p.lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			fmt.Fprintln(log, s.Text())
			select {
			case p.lines <- s.Text():
			default:
			}
		}
		io.Copy(io.Discard, out)
		p.cmd.Wait()
	}()
	return p, nil
}

// again starts this program as one of its helpers.
func again(ctx context.Context, dir, helper string, args ...string) (*process, error) {
	return spawn(ctx, dir, helper, "/proc/self/exe", append([]string{helper}, args...)...)
}

// line waits for a line of output that contains text.
func (p *process) line(text string, within time.Duration) (string, error) {
	limit := time.After(within)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				said, _ := os.ReadFile(p.log.Name())
				return "", fmt.Errorf("%s ended and had said: %s", p.cmd, ending(said))
			}
			if strings.Contains(l, text) {
				return l, nil
			}
		case <-limit:
			said, _ := os.ReadFile(p.log.Name())
			return "", fmt.Errorf("%s did not say %q within %v, but: %s", p.cmd, text, within, ending(said))
		}
	}
}

func ending(b []byte) []byte { return bytes.TrimSpace(b[max(0, len(b)-2000):]) }

// stop ends the process, gently at first.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.in.Close()
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(8 * time.Second):
		p.cmd.Process.Kill()
		<-p.ended
	}
	p.log.Close()
}

// usage is what the kernel says of a process.
type usage struct {
	cpu     time.Duration
	rss     float64 // MiB, now
	threads int
	fds     int
}

func (p *process) usage() (u usage, err error) { return usageOf(p.cmd.Process.Pid) }

func usageOf(pid int) (u usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:])) // proc(5), from the third on
	number := func(i int) int {
		n, cerr := strconv.Atoi(fields[i-3])
		if cerr != nil {
			err = cerr
		}
		return n
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 everywhere
	u.cpu = time.Duration(number(14)+number(15)) * tick
	u.threads = number(20)
	u.rss = float64(number(24)*os.Getpagesize()) / (1 << 20)
	fds, ferr := os.ReadDir(filepath.Join(dir, "fd"))
	if ferr == nil {
		u.fds = len(fds)
	}
	return u, err
}

// tree is a process and its children, which some peers have.
func tree(pid int) (u usage) {
	u, _ = usageOf(pid)
	kids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for kid := range strings.FieldsSeq(string(kids)) {
		if n, err := strconv.Atoi(kid); err == nil {
			k := tree(n)
			u.cpu, u.rss, u.threads, u.fds = u.cpu+k.cpu, u.rss+k.rss, u.threads+k.threads, u.fds+k.fds
		}
	}
	return u
}

// build makes the netmon that is measured.
func build(ctx context.Context, dir string) (string, error) {
	bin := filepath.Join(dir, "netmon")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, "netmon/cmd/netmon")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build netmon: %w: %s", err, out)
	}
	return bin, nil
}

// facts of the machine, without which no figure means anything.
type facts struct {
	Date, CPU, Kernel, Go string
	Cores                 int
	Load                  string // averages over 1, 5 and 15 minutes, before the run
}

func machine() facts {
	f := facts{Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Go: goVersion(), Cores: cores()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(info)) {
			if name, model, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				f.CPU = strings.TrimSpace(model)
				break
			}
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		f.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	if l, err := os.ReadFile("/proc/loadavg"); err == nil {
		f.Load = strings.Join(strings.Fields(string(l))[:3], " ")
	}
	return f
}
