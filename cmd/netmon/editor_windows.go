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

const defaultEditor = "notepad"
