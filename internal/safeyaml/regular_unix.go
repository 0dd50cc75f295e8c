//go:build unix

package safeyaml

import "syscall"

// openAtOnce opens a FIFO without waiting for who writes to it.
const openAtOnce = syscall.O_NONBLOCK
