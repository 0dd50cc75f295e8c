//go:build !unix

package broker

// syncFile does nothing: folders, and files that are open for reading, cannot be
// synced here.
func syncFile(string) error { return nil }
