//go:build unix && !linux

package exec

func newLauncher() launcher { return plain{} }
