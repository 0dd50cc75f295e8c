package exec

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// pool is what all runs of a process share: how many programs run at once, and what starts
// them.
type pool struct {
	most   int
	places chan struct{} // who waits for one gets it in the order of coming
	launcher

	mu   sync.Mutex
	took map[string]time.Duration // by program: what its last run took, whichever monitor's
	late map[string]int           // by program: its runs that are over, and whose start the system still owes
}

// mostTook bounds the programs whose time is known.
const mostTook = 1000

// lastOf is how long a program took last, where its monitor does not know.
func (p *pool) lastOf(program string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.took[program]
}

// ran notes how long a program took.
func (p *pool) ran(program string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.took) >= mostTook {
		clear(p.took)
	}
	p.took[program] = took
}

// owed says whether an earlier run of a program waits for its filesystem: another would wait
// as well, and take one place after the other.
func (p *pool) owed(program string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late[program] > 0
}

// addLate counts a run whose start is owed, 1, or is so no more, -1. The two may come in
// either order.
func (p *pool) addLate(program string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late[program] += n; p.late[program] == 0 {
		delete(p.late, program)
	}
}

func newPool(most int, l launcher) *pool {
	return &pool{most: most, places: make(chan struct{}, most), launcher: l, took: map[string]time.Duration{}, late: map[string]int{}}
}

// poolOf is the pool of an env.
func poolOf(env *probes.Env) (*pool, error) {
	shared, err := env.Shared("exec", func() (io.Closer, error) {
		most := cmp.Or(env.Programs, probes.DefaultPrograms)
		return newPool(most, newLauncher()), nil
	})
	if err != nil {
		return nil, probes.Broken(wire.BrokenInternal, "start programs: %w", err)
	}
	return shared.(*pool), nil
}

// patience is how long a run waits for a place: at most half of the time that is left, and
// no longer than leaves its program a quarter more than it took last. Otherwise an agent with
// too much to do would give all of its places to programs that it kills before their end.
func patience(left, last time.Duration) time.Duration {
	return max(0, min(left/2, left-last-last/4))
}

// acquire waits for a place, for a program that took last the last time; 0 is not known.
func (p *pool) acquire(ctx context.Context, last time.Duration) (waited time.Duration, err error) {
	select {
	case p.places <- struct{}{}:
		return 0, nil
	default:
	}
	begin := time.Now()
	var enough <-chan time.Time
	if deadline, ok := ctx.Deadline(); ok {
		t := time.NewTimer(patience(time.Until(deadline), last))
		defer t.Stop()
		enough = t.C
	}
	select {
	case p.places <- struct{}{}:
		return time.Since(begin), nil
	case <-ctx.Done():
		return time.Since(begin), ctx.Err()
	case <-enough:
		waited = time.Since(begin)
		return waited, probes.Broken(wire.BrokenLocal, "the program was not started: %d others ran, which is the limit, and after %v too little of the timeout was left for it: raise exec.max_running in the agent's policy, or run fewer monitors of kind exec there, or more rarely",
			p.most, waited.Round(time.Millisecond))
	}
}

func (p *pool) release() { <-p.places }

// outcome is what became of a program.
type outcome struct {
	startErr error // it was not started; errLate, or ctx's, where there was no time
	waitErr  error
	state    *os.ProcessState // nil where it is lost, or the program did not end
	took     time.Duration    // from its start to its end

	stdout, stderr string
	total          int // bytes of output

	cut       bool // it was killed because the run's time was over
	flood     bool // or because of its output
	stuck     bool // killing it did not end it
	survivors bool // its output stayed open
}

// run runs a program to its end, or until ctx ends, and gives its place back. When it
// returns no process of its group is left, unless the kernel does not end one: such a
// program keeps its place until it does, and so does one that the system has yet to start.
func (p *pool) run(ctx context.Context, cmd *exec.Cmd) (o outcome) {
	flooded := make(chan struct{})
	var once sync.Once
	over := func() { once.Do(func() { close(flooded) }) }
	stdout := &capture{keep: maxOutput, flood: maxFlood, over: over}
	stderr := &capture{keep: maxStderr, flood: maxFlood, over: over}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	s, err := attempt(ctx, func() started { return p.begin(ctx, cmd) }, func(s started) {
		if s.err == nil {
			g := &group{pid: cmd.Process.Pid}
			g.kill()
			p.finish(cmd, g)
		}
		p.addLate(cmd.Args[0], -1)
		p.release()
	})
	if err != nil {
		p.addLate(cmd.Args[0], 1)
		return outcome{startErr: err}
	}
	if s.err != nil {
		p.release()
		return outcome{startErr: s.err}
	}
	begin, g := s.at, &group{pid: cmd.Process.Pid}
	result := make(chan outcome, 1)
	go func() {
		e := p.finish(cmd, g)
		p.release()
		result <- outcome{waitErr: e.err, state: cmd.ProcessState, took: e.at.Sub(begin), survivors: e.survivors}
	}()
	var cut, flood, stuck bool
	select {
	case o = <-result:
	case <-ctx.Done():
		cut = g.kill()
		o, stuck = killed(result)
	case <-flooded:
		flood = g.kill()
		o, stuck = killed(result)
	}
	ended := o.state != nil && o.state.Exited() // by itself, at the same moment
	o.cut, o.flood, o.stuck = cut && !ended, flood, stuck
	if stuck {
		o.took = time.Since(begin)
	}
	o.stdout, o.total = stdout.text()
	o.stderr, _ = stderr.text()
	return o
}

// started is what became of an attempt to start a program.
type started struct {
	at  time.Time
	err error
}

// begin starts a program whose file can be read.
func (p *pool) begin(ctx context.Context, cmd *exec.Cmd) (s started) {
	await(cmd.Path)
	s.at, s.err = p.start(ctx, cmd)
	return s
}

// killed waits for the end of a program that was killed. One that waits in the kernel for
// a device or a file server may not end for long: nobody waits for that.
func killed(ended <-chan outcome) (o outcome, stuck bool) {
	t := time.NewTimer(stuckWait)
	defer t.Stop()
	select {
	case o = <-ended:
		return o, false
	case <-t.C:
		return o, true
	}
}
