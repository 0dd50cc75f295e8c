package probes

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"netmon/probes/internal/figures"
	"netmon/wire"
)

// Probe is one kind of measurement, configured: a struct whose exported fields
// are the options of a monitor. It embeds [Common], without which it is none.
// D is what it learns.
//
// Every option has the tags json (its name) and help (what it does, with unit
// and source), every figure in D too: command-line flags, README.md and the
// strict decoding of configurations are all made from them.
type Probe[D Details] interface {
	// Validate checks the target and the options and reports every mistake
	// (see wire.Problems), by the option's name. The target's path is "target".
	Validate(target string) error
	// Measure runs once. It obeys ctx, which always has a deadline, starts
	// nothing that outlives it, and may be called from several goroutines.
	// An error means that the target failed, see [Fail] and [Run.Expect], or
	// that nothing could be measured, see [Broken]; what was learned until
	// then comes with it.
	Measure(ctx context.Context, run *Run) (D, error)
	// Footprint says what a run sends and where to, for the agent's policy.
	Footprint(target string) Footprint

	common() Common // of the embedded Common
}

// Details are the figures of one kind: what Measure learned.
type Details interface {
	// Headline picks what every console shows, whatever the kind.
	Headline() Headline
	// Report writes the figures for people, in the manner of the tool that
	// engineers use for this protocol. The writer escapes control characters.
	Report(w io.Writer)
}

// Headline is what results of all kinds have in common. A field that was not
// measured stays zero or nil.
type Headline struct {
	Latency time.Duration // the kind's main duration; 0 when there is none
	Clock   string        // what timed Latency: ClockKernel, ClockTCPInfo or ClockUser
	Loss    *float64      // packets lost of those sent, 0 to 1
	Expires time.Time     // the earliest end of the certificates seen
	Summary string        // the figures in a few words, without Latency

	// Whole says that Latency began with the run, so that it holds the time that
	// went by with addresses which did not answer.
	Whole bool
}

// Env holds what the probes of one process share. The zero value is ready;
// Close it when the last run has ended.
type Env struct {
	// Allow, when not nil, says whether probes may send to an address; the error
	// says why not, and the run is broken by the policy. network is tcp, udp,
	// icmp, which has port 0, or resolver: the host's own, asked over DNS. It is
	// set before the first run, and called from several goroutines. See [Run.Allow].
	Allow func(network string, to netip.AddrPort) error

	// AllowSecrets, when not nil, says the same for runs of a monitor that names
	// secrets. An address that is not valid, with a port, stands for one that only
	// a proxy knows.
	AllowSecrets func(to netip.AddrPort) error

	// Clock, when not nil, is the time by another clock than this host's, where that
	// is known: certificates are valid by both, or it is not known whether they are.
	Clock func() (now time.Time, known bool)

	// Secret, when not nil, reads what a reference names: kind is env or file.
	// Otherwise any variable and any file of this process's user may be read.
	Secret func(kind, name string) (string, error)

	// Program, when not nil, says whether runs may start a program, and returns the path
	// to start: the same file, without links. It is asked again before each run. Otherwise
	// any program may be started that this process's user may run. An [Error] stands as it is, such as
	// that no such program is there; any other is the policy's. See [Run.Program].
	Program func(Program) (path string, err error)

	// Programs is how many programs may run at once; 0 is [DefaultPrograms].
	Programs int

	// Bodies is what runs may hold of the bodies of responses, all together, to
	// compare them with what is expected, bytes; 0 is [DefaultBodies].
	Bodies int64

	mu     sync.Mutex
	shared map[string]io.Closer // by kind: what Shared made
	bodies *BodyBudget          // made when it is first asked for
}

// Shared returns what mk made under this key, making it on first use.
// An error is not remembered: the next call tries again.
func (e *Env) Shared(key string, mk func() (io.Closer, error)) (io.Closer, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.shared[key]; ok {
		return v, nil
	}
	v, err := mk()
	if err != nil {
		return nil, err
	}
	if e.shared == nil {
		e.shared = map[string]io.Closer{}
	}
	e.shared[key] = v
	return v, nil
}

// Close closes all that was shared.
func (e *Env) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var first error
	for _, v := range e.shared {
		if err := v.Close(); err != nil && first == nil {
			first = err
		}
	}
	e.shared = nil
	return first
}

// Step is one moment of a run, for people who want to know what happened.
type Step struct {
	At   time.Duration // since the start of the run
	Text string
	Live bool // worth showing while the run continues, such as one echo reply
}

// Run is one run of a probe: what it is given, and where it reports to.
type Run struct {
	Target  string
	Env     *Env
	Started time.Time
	Ended   time.Time // of a run by Start: when it ended, where that is not when End is called

	// Prev is what the previous run of the same monitor left with Keep, nil at
	// first. Runs of one monitor never overlap.
	Prev any
	kept any

	resolved *int64    // see ResolveAge
	only     *oneOfAll // the address to measure, where each is
	notes    []string  // see NoteText

	mu        sync.Mutex // guards unmet to spent; callbacks of libraries come from other goroutines
	unmet     []wire.Unmet
	address   string
	addresses Shared        // those tried, in order
	spent     time.Duration // on such as this list has no room for
	named     bool          // the monitor names secrets
	secrets   []string      // in every form in which they may come back, see Redact

	onStep   func(Step)   // nil when nobody looks
	inverted wire.Failure // the failure that Common.Invert turned into ok

	check   *Check // of a run by Start, as what follows
	timeout time.Duration
	done    func(wire.Result)
}

// NewRun is a run of no monitor, for the tests of a kind. onStep may be nil.
func NewRun(target string, env *Env, onStep func(Step)) *Run {
	return &Run{Target: target, Env: env, Started: time.Now(), onStep: onStep}
}

// Keep leaves v for the next run of the same monitor. Where v is an [io.Closer],
// it is closed when there is none: see [Check.Close].
func (r *Run) Keep(v any) { r.kept = v }

// Stepf notes a step for --explain. It costs nothing when nobody looks.
func (r *Run) Stepf(format string, args ...any) { r.step(false, format, args) }

// Livef notes a step that people want to see at once, such as one reply of many.
func (r *Run) Livef(format string, args ...any) { r.step(true, format, args) }

func (r *Run) step(live bool, format string, args []any) {
	if r.onStep != nil {
		r.onStep(Step{At: time.Since(r.Started), Text: r.Conceal(fmt.Sprintf(format, args...)), Live: live})
	}
}

// Watched says whether somebody looks at the steps: what costs something only to be
// told is left out otherwise.
func (r *Run) Watched() bool { return r.onStep != nil }

// Misses is how many expectations were not met until now.
func (r *Run) Misses() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.unmet)
}

// Address is the address that was noted last, "" when none was.
func (r *Run) Address() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.address
}

// KnowsTimeout says whether it is known how long a run by Start may take: only then can
// several addresses share it.
func (r *Run) KnowsTimeout() bool { return r.timeout > 0 }

// Reached notes the address that is being measured.
func (r *Run) Reached(addr string) {
	r.mu.Lock()
	r.address = addr
	r.mu.Unlock()
}

// Expect notes one expectation and whether it was met. Measure continues and
// checks the others too; a run with an unmet expectation fails with "mismatch"
// once Measure has returned, unless Measure itself returned an error.
func (r *Run) Expect(ok bool, option, want, got string) {
	if ok {
		r.Stepf("%s: want %s, got %s: met", option, want, figures.Clip(got))
		return
	}
	r.Stepf("%s: want %s, got %s: NOT met", option, want, figures.Clip(got))
	r.mu.Lock()
	r.unmet = append(r.unmet, wire.Unmet{Expect: option, Want: figures.Clip(r.Conceal(want)), Got: figures.Clip(r.Conceal(got))})
	r.mu.Unlock()
}
