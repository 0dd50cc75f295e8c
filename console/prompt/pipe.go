package prompt

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"netmon/console"
	"netmon/console/flow"
)

const (
	exitUsage       = 2
	exitInterrupted = 130
)

// Pipe carries out lines, without decoration, until they end, one of them
// quits, or one fails: then the exit code is that one's. Answers to the
// questions of add follow it, one a line; an empty one takes the default.
// With talk there is a person at the other end: questions are asked, and a
// failure does not end it.
func Pipe(ctx context.Context, o Options, in io.Reader, out, errs io.Writer, talk bool) int {
	p := &pipe{o: o, out: out, errs: errs, talk: talk}
	lines := make(chan string)
	go func() { // a read cannot be interrupted: it may outlive us
		defer close(lines)
		s := bufio.NewScanner(in)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for n := 1; ; n++ {
		p.ask()
		select {
		case <-ctx.Done():
			return exitInterrupted
		case line, ok := <-lines:
			if !ok {
				return p.end()
			}
			code := p.line(ctx, line)
			if p.quit {
				return 0
			}
			if code != 0 && !talk {
				fmt.Fprintf(errs, "netmon: line %d: %s\n", n, console.Printable(strings.TrimSpace(line)))
				return code
			}
		}
	}
}

type pipe struct {
	o         Options
	out, errs io.Writer
	talk      bool
	flow      *flow.Flow
	quit      bool
}

func (p *pipe) ask() {
	switch {
	case !p.talk:
	case p.flow == nil:
		fmt.Fprintf(p.out, "%s> ", p.o.Look().Broker)
	default:
		q := p.flow.Ask()
		for _, l := range append(q.Lines, q.Note) {
			if l != "" {
				fmt.Fprintln(p.out, "   ", console.Printable(l))
			}
		}
		fmt.Fprintf(p.out, "%d/%d %s: %s [%s] ", q.Step, q.Of, q.Title, q.Explain, console.Printable(q.Default))
	}
}

func (p *pipe) wrong(err error) int {
	fmt.Fprintln(p.errs, "netmon:", console.PrintableText(err.Error()))
	return exitUsage
}

func (p *pipe) end() int {
	if p.flow != nil {
		return p.wrong(fmt.Errorf("the input ended at %q of add: nothing is saved", p.flow.Ask().Title))
	}
	return 0
}

func (p *pipe) line(ctx context.Context, line string) int {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "#") || trimmed == "" && p.flow == nil {
		return 0
	}
	if p.flow != nil {
		next, err := p.flow.Answer(line)
		if err != nil {
			return p.wrong(err)
		}
		return p.proceed(ctx, next)
	}
	a, err := parse(line, p.o.Commands)
	if err != nil {
		return p.wrong(err)
	}
	switch a.do {
	case doQuit:
		p.quit = true
	case doHelp:
		if len(a.args) > 0 {
			return p.o.Run(ctx, append(a.args, "--help"), p.out, p.errs)
		}
		fmt.Fprintln(p.out, strings.Join(help(p.o.Commands), "\n"))
	case doResults: // nothing streams here
	case doFlow:
		f := flow.New(p.o.World(p.o.Look()))
		if len(a.args) > 0 {
			if f, err = f.Answer(a.args[0]); err != nil {
				return p.wrong(err)
			}
		}
		return p.proceed(ctx, f)
	case doRun:
		return p.o.Run(ctx, a.args, p.out, p.errs)
	}
	return 0
}

// proceed runs what the flow wants to be run. Its questions are not failures:
// a target that is not ok asks whether to keep it.
func (p *pipe) proceed(ctx context.Context, f flow.Flow) int {
	for f.Run() != nil {
		saves := f.Saves()
		if saves {
			fmt.Fprintln(p.out, f.OneLine())
		}
		code := p.o.Run(ctx, f.Run(), p.out, p.errs)
		f = f.Ran(code == 0)
		if ctx.Err() != nil {
			return exitInterrupted
		}
		if code != 0 && saves && !p.talk {
			return code
		}
	}
	p.flow = &f
	if f.Done() || f.Left() {
		p.flow = nil
	}
	return 0
}
