// Package prompt is the command line at which people use the mesh. It executes what
// they type as commands of the program, while results stream above it and never disturb
// what is being typed. Pipe executes the same lines from a script.
//
// The package knows no command itself. The program passes the tree of its commands and
// a function that executes one.
package prompt

import (
	"context"
	"io"

	"netmon/console"
	"netmon/console/flow"
)

// Options are what the program passes to a prompt.
type Options struct {
	Commands []Command
	// Execute executes a command line, without the program's name, and returns its
	// exit code. It writes to errs why a command failed.
	Execute func(ctx context.Context, args []string, out, errs io.Writer) int
	// Full are the names of commands that take the whole terminal; Take runs one.
	// What is written to said is printed when the prompt is back.
	Full []string
	Take func(ctx context.Context, args []string, in io.Reader, out, said io.Writer) int
	// World is what the step-by-step add needs to know.
	World func(Snapshot) flow.World
	// Look returns what is known of the mesh now. The prompt calls it ten times a second: it
	// must not block.
	Look func() Snapshot
	// Ask asks, when Tab is pressed, for names that no snapshot has, see [Names]. It gives
	// up soon. It may be nil.
	Ask     func(what Takes, of string) []string
	Stream  *Stream
	History string // file for the lines that were typed; "" for none
	Styles  console.Styles
	Log     *Log // nil for none
	// Line, unless it is "", is executed at once, and the prompt ends with it.
	Line string
}
