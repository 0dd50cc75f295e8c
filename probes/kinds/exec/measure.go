package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// outputWait is how long the output may stay open when the program has ended and its group
// is killed: what holds it then is a process in a group of its own.
const outputWait = 250 * time.Millisecond

// stuckWait is how long a run waits for the end of a program that was killed.
const stuckWait = 2 * time.Second

// Measure implements probes.Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	var d Details
	if err := possible(); err != nil {
		return d, err
	}
	env := run.Env
	if env == nil { // this run's own
		env = &probes.Env{}
		defer env.Close()
	}
	pool, err := poolOf(env)
	if err != nil {
		return d, err
	}
	last, _ := run.Prev.(time.Duration)
	run.Keep(last)
	if pool.owed(run.Target) {
		return d, probes.Broken(wire.BrokenProgram, "the program was not started: an earlier run of it waits for the filesystem that it is on, which does not answer")
	}
	waited, err := pool.acquire(ctx, cmp.Or(last, pool.lastOf(run.Target)))
	d.WaitNS = int64(waited)
	if err != nil {
		return d, err
	}
	// Asked now, and not before the wait: what counts is what is true when the program starts.
	path, err := p.allowed(ctx, run, pool)
	if errors.Is(err, errLate) {
		return d, notStarted(ctx)
	}
	var cmd *exec.Cmd
	if err == nil {
		cmd, err = p.command(run, path)
	}
	if err != nil {
		pool.release()
		return d, err
	}
	run.Stepf("start %s %q", path, p.Args)
	out := pool.run(ctx, cmd)
	run.Keep(out.took)
	pool.ran(run.Target, out.took)
	d.RunNS, d.Survivors = int64(out.took), out.survivors
	d.read(run, out)
	switch {
	case errors.Is(out.startErr, errLate), ctx.Err() != nil && errors.Is(out.startErr, ctx.Err()):
		return d, notStarted(ctx)
	case out.startErr != nil:
		return d, startFailed(run.Target, out.startErr)
	}
	return d, p.verdict(ctx, run, &d, out)
}

// allowed asks the owner of the process for the file to start. That looks at files, so that
// it may not end: then it keeps the place, and the error is errLate.
func (p Probe) allowed(ctx context.Context, run *probes.Run, pool *pool) (string, error) {
	type answer struct {
		path string
		err  error
	}
	a, err := attempt(ctx, func() (a answer) {
		a.path, a.err = run.Program(run.Target, slices.Sorted(maps.Keys(p.Env)))
		return a
	}, func(answer) {
		pool.addLate(run.Target, -1)
		pool.release()
	})
	if err != nil {
		pool.addLate(run.Target, 1)
	}
	return a.path, cmp.Or(err, a.err)
}

// command is the program with its arguments and all that it gets from us: nothing of our
// own environment, where keys may be.
func (p Probe) command(run *probes.Run, path string) (*exec.Cmd, error) {
	cmd := &exec.Cmd{Path: path, Args: append([]string{run.Target}, p.Args...), Dir: "/", WaitDelay: outputWait}
	env := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "LC_ALL": "C"}
	for name, text := range p.Env {
		v, err := run.Expand(text)
		if err == nil && strings.ContainsRune(v, 0) {
			err = probes.Broken(wire.BrokenSecret, "env.%s: the secret has a NUL byte in it, which no variable can hold", name)
		}
		if err != nil {
			return nil, err
		}
		env[name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	if p.Stdin != "" {
		text, err := run.Expand(p.Stdin)
		if err != nil {
			return nil, err
		}
		cmd.Stdin = strings.NewReader(text)
	}
	return cmd, nil
}

// read fills in what the program told. Secrets are hidden before anything is cut, and once
// more without the sequences that may have stood between their parts.
func (d *Details) read(run *probes.Run, out outcome) {
	shown := func(s string) string { return run.Conceal(clean(run.Conceal(s), true)) }
	d.OutputBytes, d.OutputCut = out.total, out.total > len(out.stdout)
	message, text, perfdata := split(shown(out.stdout))
	if d.OutputCut { // the last line is not whole
		perfdata = perfdata[:strings.LastIndexByte(perfdata, '\n')+1]
	}
	d.Message, d.Text = clip(message, maxMessage), clip(text, maxText)
	d.Perfdata, d.PerfdataSkipped = parsePerfdata(perfdata)
	if out.state == nil {
		return
	}
	d.CPUNS = int64(out.state.UserTime() + out.state.SystemTime())
	if d.Signal = signalOf(out.state); d.Signal == "" {
		code := out.state.ExitCode()
		d.ExitCode, d.Status = &code, statusOf(code)
	}
	if d.Message == "" || d.Status == "" || d.Status == statusUnknown {
		d.Stderr = clip(strings.TrimSpace(shown(out.stderr)), maxMessage)
	}
}

// verdict says what the run means. Only what the program reports itself is about the target:
// all else tells nothing of it.
func (p Probe) verdict(ctx context.Context, run *probes.Run, d *Details, out outcome) error {
	said := ""
	if text := d.textOf(); text != "" {
		said = ": " + figures.Clip(text)
	}
	switch cause := context.Cause(ctx); {
	case out.flood:
		return probes.Broken(wire.BrokenProgram, "the program wrote over %d bytes and was killed%s", maxFlood, said)
	case out.stuck && !errors.Is(cause, context.Canceled):
		return probes.Broken(wire.BrokenProgram, "the program did not end within the timeout, and killing it did not end it: the kernel waits for a device or a file server on its behalf%s", said)
	case out.cut && errors.Is(cause, context.DeadlineExceeded):
		after := ""
		if d.WaitNS > 0 {
			after = fmt.Sprintf(", after %v of waiting for its turn", time.Duration(d.WaitNS).Round(time.Millisecond))
		}
		return probes.Broken(wire.BrokenProgram, "the program did not end within the timeout%s, and was killed after %v: give it a shorter timeout of its own (with most plugins -t SECONDS), or the monitor a longer one%s",
			after, out.took.Round(time.Millisecond), said)
	case out.cut:
		return ctx.Err()
	case d.Signal != "":
		return probes.Broken(wire.BrokenProgram, "the program was ended by signal %s%s", d.Signal, said)
	case d.ExitCode == nil:
		return probes.Broken(wire.BrokenProgram, "the program was lost: %w", out.waitErr)
	}
	switch d.Status {
	case statusOK:
	case statusWarning:
		if p.Expect.Status != statusWarning {
			return probes.Fail(wire.FailWarning, "%s", worded(d.Status, d.textOf()))
		}
	case statusCritical:
		return probes.Fail(wire.FailCritical, "%s", worded(d.Status, d.textOf()))
	case statusUnknown:
		return probes.Broken(wire.BrokenProgram, "%s", worded(d.Status, d.textOf()))
	default:
		return probes.Broken(wire.BrokenProgram, "exit code %d is no verdict%s%s", *d.ExitCode, cureOf(*d.ExitCode), said)
	}
	p.checkPerfdata(run, d)
	return nil
}

// checkPerfdata checks the ranges that the monitor has for values.
func (p Probe) checkPerfdata(run *probes.Run, d *Details) {
	for _, label := range slices.Sorted(maps.Keys(p.Expect.Perfdata)) {
		want := p.Expect.Perfdata[label]
		r, _ := parseRange(want) // validated before
		i := slices.IndexFunc(d.Perfdata, func(v Value) bool { return v.Label == label })
		switch {
		case i < 0:
			run.Expect(false, "expect.perfdata."+label, want, "no such value")
		case d.Perfdata[i].Value == nil:
			run.Expect(false, "expect.perfdata."+label, want, "unknown")
		default:
			v := d.Perfdata[i]
			run.Expect(r.holds(*v.Value), "expect.perfdata."+label, want, fmt.Sprintf("%v%s", *v.Value, v.Unit))
		}
	}
}
