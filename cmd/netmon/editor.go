package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// openEditor opens a file in the person's editor and waits until it is left.
func openEditor(ctx context.Context, file string, in io.Reader, out io.Writer) error {
	editor := cmp.Or(strings.TrimSpace(os.Getenv("VISUAL")), strings.TrimSpace(os.Getenv("EDITOR")), defaultEditor)
	cmd := editorOf(ctx, editor, file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	if err := cmd.Run(); err != nil {
		if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 127 {
			return fmt.Errorf("%s: there is none of this name: set VISUAL or EDITOR", editor)
		}
		return fmt.Errorf("%s: %w", editor, err)
	}
	return nil
}
