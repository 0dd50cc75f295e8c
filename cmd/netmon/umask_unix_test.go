//go:build unix

package main

import "syscall"

// setUmask has what scripts make be writable by its owner only, as it is where
// the tests of a policy's mode begin.
func setUmask() { syscall.Umask(0o022) }
