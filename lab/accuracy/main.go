package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"text/tabwriter"
	"time"

	"netmon/probes"
	"netmon/probes/kinds"
)

func main() {
	runs := flag.Int("runs", 21, "measurements of each figure by each tool")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := compare(ctx, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

// pair is one figure that netmon and a tool both have.
type pair struct {
	what   string
	tool   []string // its command line
	theirs func(out string) (figure, error)
	probe  [3]string // kind, target and options
	ours   func(details map[string]any) (figure, error)
}

// figure is a time, and what was said beside it, which must be the same.
type figure struct {
	took   time.Duration
	answer string
}

func compare(ctx context.Context, runs int) error {
	dir, err := os.MkdirTemp("", "netmon-accuracy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := startLab(ctx, dir)
	if err != nil {
		return err
	}
	defer l.stop()
	var env probes.Env
	defer env.Close()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tby\tits time\tnetmon's\tapart\tanswer\twithin 10 % or 100 µs")
	bad := 0
	for _, p := range l.pairs() {
		fmt.Fprintln(os.Stderr, "measuring:", p.what)
		theirs, ours, err := p.measure(ctx, &env, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
		apart := ours.took - theirs.took
		verdict := "yes"
		if apart.Abs() > 100*time.Microsecond && apart.Abs() > theirs.took.Abs()/10 {
			verdict = "NO"
		}
		answer := theirs.answer
		if theirs.answer != ours.answer {
			answer, verdict = fmt.Sprintf("%q and %q", theirs.answer, ours.answer), "NO"
			bad++
		}
		fmt.Fprintf(w, "%s\t%s\t%v\t%v\t%v\t%s\t%s\n", p.what, p.tool[0], theirs.took, ours.took, apart, answer, verdict)
	}
	w.Flush()
	if bad > 0 {
		return fmt.Errorf("%d answers differ", bad)
	}
	return nil
}

// measure lets both measure in turn, and keeps the least of each. netmon's runs
// are in one process, as an agent's are.
func (p pair) measure(ctx context.Context, env *probes.Env, runs int) (theirs, ours figure, err error) {
	check, err := kinds.All().New(env, p.probe[0], p.probe[1], json.RawMessage(p.probe[2]))
	if err != nil {
		return theirs, ours, err
	}
	for i := range runs {
		out, err := output(ctx, p.tool[0], p.tool[1:]...)
		if err != nil {
			return theirs, ours, err
		}
		t, err := p.theirs(out)
		if err != nil {
			return theirs, ours, fmt.Errorf("%s says %q: %w", p.tool[0], out, err)
		}
		r := check.Run(ctx, 5*time.Second, nil)
		var details map[string]any
		if err := json.Unmarshal(r.Details, &details); err != nil {
			return theirs, ours, err
		}
		o, err := p.ours(details)
		if err != nil {
			return theirs, ours, fmt.Errorf("netmon says %s %s: %w", r.Error, r.Details, err)
		}
		if i == 0 {
			theirs, ours = t, o
			continue
		}
		theirs, ours = least(theirs, t), least(ours, o)
	}
	return theirs, ours, nil
}

func least(a, b figure) figure {
	if b.took.Abs() < a.took.Abs() {
		a.took = b.took
	}
	if a.answer != b.answer {
		a.answer += " or " + b.answer
	}
	return a
}

// output runs a program. One that says no is an error with what it said.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	var missing *exec.Error
	if errors.As(err, &missing) {
		return "", fmt.Errorf("%w: see the Debian packages in lab/accuracy/doc.go", err)
	}
	if err != nil {
		return "", fmt.Errorf("%s %q: %w: %s", name, args, err, out)
	}
	return string(out), nil
}
