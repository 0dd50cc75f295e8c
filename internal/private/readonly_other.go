//go:build unix && !linux

package private

// readOnly is known on Linux only, where containers are.
func readOnly(string) bool { return false }
