package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"netmon/internal/endpoint"
)

// invocation is one command line, carried out by executeApp: what its command has to
// know and no flag says. It travels in the command's context.
type invocation struct {
	session *session  // of the prompt that the line is from; nil: of a shell, or for another broker than the prompt's
	said    io.Writer // what a command that has the whole terminal tells once the prompt is back; nil: its standard output
	broker  decision
	args    []string // as typed
}

// decision is what a command's Before found out about its broker.
type decision struct {
	endpoint endpoint.Endpoint
	asked    bool  // --broker was given; once it is decided the flag says what was decided
	err      error // why there is no endpoint, for a command that can do without one
}

type invocationKey struct{}

// within returns ctx with an invocation for invocationOf.
func within(ctx context.Context, i *invocation) context.Context {
	return context.WithValue(ctx, invocationKey{}, i)
}

// invocationOf is what executeApp was given for this command line.
func invocationOf(c *cli.Context) *invocation { return c.Context.Value(invocationKey{}).(*invocation) }
