package prompt

import (
	"context"
	"strings"
	"sync"

	"netmon/console"
)

const outputMost = 256 << 10 // bytes that wait to be shown

// output is what a running command prints. A command that prints faster than the
// terminal shows has to wait; nothing is lost.
type output struct {
	ctx    context.Context // of the command: its end lets a waiting writer continue
	styles console.Styles
	freed  chan struct{}

	mu   sync.Mutex // guards text
	text []byte
}

// NewLog makes a writer for log lines while the prompt has the terminal. A write never
// waits for the terminal: lines that it cannot take are dropped.
func NewLog(st console.Styles) *Log {
	return &Log{out: output{ctx: context.Background(), styles: st, freed: make(chan struct{}, 1)}}
}

// Log is what the prompt prints of the program's log.
type Log struct{ out output }

func (l *Log) Write(p []byte) (int, error) {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	if len(l.out.text) < outputMost {
		l.out.text = append(l.out.text, p...)
	}
	return len(p), nil
}

func newOutput(ctx context.Context, st console.Styles) *output {
	return &output{ctx: ctx, styles: st, freed: make(chan struct{}, 1)}
}

func (o *output) Write(p []byte) (int, error) {
	for {
		o.mu.Lock()
		if len(o.text) < outputMost || o.ctx.Err() != nil {
			o.text = append(o.text, p...)
			o.mu.Unlock()
			return len(p), nil
		}
		o.mu.Unlock()
		select {
		case <-o.freed:
		case <-o.ctx.Done():
		}
	}
}

// Styles are the colours of the terminal.
func (o *output) Styles() console.Styles { return o.styles }

// drain removes and returns the complete lines, with all also an incomplete last one.
func (o *output) drain(all bool) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := string(o.text)
	end := strings.LastIndexByte(text, '\n') + 1
	if all {
		end = len(text)
	}
	if end == 0 {
		return nil
	}
	o.text = []byte(text[end:])
	select {
	case o.freed <- struct{}{}:
	default:
	}
	return strings.Split(strings.TrimSuffix(text[:end], "\n"), "\n")
}
