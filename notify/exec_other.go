//go:build !unix

package notify

import (
	"io/fs"
	"os/exec"
)

func executable(fs.FileInfo) bool { return true }

// killWithChildren: this system has no process groups that could be killed at once.
func killWithChildren(*exec.Cmd) {}

func killChildren(*exec.Cmd) {}
