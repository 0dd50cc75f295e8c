// Package prompt is the line at which people talk to the mesh: results stream
// above it, what is typed is run as the program's own commands, and what is
// being typed is never disturbed. Pipe drives the same words from a script.
//
// It knows no command by itself. The program gives it the tree of its commands
// and a function that runs one.
package prompt

import (
	"context"
	"io"

	"netmon/console"
	"netmon/console/flow"
)

// Options are what the program gives to a prompt.
type Options struct {
	Commands []Command
	// Run carries out a command line, without the program's name, and returns
	// its exit code. It says on errs why it failed.
	Run func(ctx context.Context, args []string, out, errs io.Writer) int
	// Full are the names of commands that take the whole terminal; Take runs one.
	// What is written to said is printed when the prompt is back.
	Full []string
	Take func(ctx context.Context, args []string, in io.Reader, out, said io.Writer) int
	// World is what adding a monitor step by step has to know.
	World func(Snapshot) flow.World
	// Look is what is known of the mesh now. It is asked ten times a second, and waits for nobody.
	Look    func() Snapshot
	Stream  *Stream
	History string // file of what was typed; "" keeps none
	Styles  console.Styles
	Log     *Log // nil for none
	// Line, when it is not "", is carried out at once, and with it the prompt ends.
	Line string
}
