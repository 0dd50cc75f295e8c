package prompt

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"netmon/console"
	"netmon/console/flow"
	"netmon/console/shellwords"
)

const (
	exitUsage       = 2
	exitInterrupted = 130
	pipeWidth       = 80
)

// Pipe executes lines without decoration, until they end, one quits, or one fails: then
// it returns the exit code of that line. After add, each line answers one question; an
// empty line takes the default. With talk a person is at the other end: Pipe prints the
// questions, and continues after a failure.
func Pipe(ctx context.Context, o Options, in io.Reader, out, errs io.Writer, talk bool) int {
	p := &pipe{o: o, out: out, errs: errs, talk: talk}
	lines := make(chan string)
	go func() { // nothing interrupts a read: this may outlive us
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
	begun := "" // the line so far, where the next one continues it
	for n := 1; ; n++ {
		if begun == "" {
			p.ask()
		}
		select {
		case <-ctx.Done():
			return exitInterrupted
		case line, ok := <-lines:
			if !ok {
				if begun != "" {
					return p.wrong(shellwords.ErrContinues)
				}
				return p.end()
			}
			if p.flow == nil {
				var more bool
				if line, more = shellwords.Continued(shellwords.Continue(begun, line)); more {
					begun = line
					continue
				}
				begun = ""
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
		for _, l := range rowsOf(q.Rows, pipeWidth) {
			fmt.Fprintln(p.out, l)
		}
		if q.Set != "" {
			fmt.Fprintln(p.out, "    set:", console.Printable(q.Set))
		}
		for _, l := range []string{shellwords.Join(q.Line), q.Note} {
			if l != "" {
				fmt.Fprintln(p.out, "   ", console.Printable(l))
			}
		}
		fmt.Fprintf(p.out, "%d/%d %s: %s ", q.Step, q.Of, q.Title, q.Explain)
		if q.Default != "" {
			fmt.Fprintf(p.out, "[%s] ", console.Printable(q.Default))
		}
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
			if list := topicHelp(p.o.Commands, strings.Join(a.args, " "), pipeWidth); list != nil {
				fmt.Fprintln(p.out, strings.Join(list, "\n"))
				return 0
			}
			return p.o.Execute(ctx, append(a.args, "--help"), p.out, p.errs)
		}
		fmt.Fprintln(p.out, strings.Join(helpText(p.o.Commands, pipeWidth), "\n"))
	case doResults: // nothing streams here
	case doFlow:
		f := flow.New(p.o.World(p.o.Look()))
		if len(a.args) > 0 {
			if f, err = f.Answer(a.args[0]); err != nil {
				return p.wrong(err)
			}
		}
		return p.proceed(ctx, f)
	case doExecute:
		return p.o.Execute(ctx, a.args, p.out, p.errs)
	}
	return 0
}

// proceed executes the flow's commands. A target that is not ok is no failure: the flow
// asks whether to use it anyway.
func (p *pipe) proceed(ctx context.Context, f flow.Flow) int {
	for f.Command() != nil {
		saves := f.Saves()
		if saves {
			fmt.Fprintln(p.out, shellwords.Join(f.Line()))
		}
		code := p.o.Execute(ctx, f.Command(), p.out, p.errs)
		f = f.Executed(code == 0)
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
