package main

import (
	"context"
	"os/exec"
	"strings"
)

// editorOf is the command that opens a file; editor is a program with arguments.
func editorOf(ctx context.Context, editor, file string) *exec.Cmd {
	args := append(strings.Fields(editor), file)
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// pagerOf is the command that shows what comes on its standard input; pager is a program with arguments.
func pagerOf(ctx context.Context, pager string) *exec.Cmd {
	args := strings.Fields(pager)
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

const defaultEditor = "notepad"
