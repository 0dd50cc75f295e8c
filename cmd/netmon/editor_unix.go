//go:build !windows

package main

import (
	"context"
	"os/exec"
)

// editorOf is the command that opens a file; editor is a command line.
func editorOf(ctx context.Context, editor, file string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", editor+` "$1"`, "sh", file) // #nosec G204 G702 -- the user's own editor
}

// pagerOf is the command that shows what comes on its standard input; pager is a command line.
func pagerOf(ctx context.Context, pager string) *exec.Cmd {
	return exec.CommandContext(ctx, "/bin/sh", "-c", pager) // #nosec G204 G702 -- the user's own pager
}

const defaultEditor = "vi"
