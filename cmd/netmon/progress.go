package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"
)

// How long something takes before a person sees how far it is, and how often then.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress is a line on a terminal that says how far a command is. It is gone
// when all is done.
type progress struct {
	w     io.Writer // nil is nobody to tell
	what  string
	next  time.Time
	shown bool
}

// progressOf tells a person at standard error, unless what the command prints
// comes by on the same screen.
func progressOf(c *cli.Context, what string) *progress {
	if isTerminal(c.App.Writer) && c.String("output") != "json" {
		return &progress{}
	}
	return progressAlone(c, what)
}

// progressAlone is for a command that prints nothing until all is done.
func progressAlone(c *cli.Context, what string) *progress {
	p := &progress{what: what, next: time.Now().Add(progressAfter)}
	if isTerminal(c.App.ErrWriter) && os.Getenv("TERM") != "dumb" {
		p.w = c.App.ErrWriter
	}
	return p
}

func (p *progress) show(done, of uint64) {
	if p.w == nil {
		return
	}
	if done == of {
		p.end()
	} else if now := time.Now(); !now.Before(p.next) {
		fmt.Fprintf(p.w, "\r\x1b[Kread %d of %d %s, %d %%", done, of, p.what, 100*done/of)
		p.next, p.shown = now.Add(progressEvery), true
	}
}

// say shows a line of which nobody knows how far it is from the end.
func (p *progress) say(format string, args ...any) {
	if p.w != nil {
		fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
		p.shown = true
	}
}

// end removes the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
