// Package filelock takes the operating system's lock on a file. It goes with
// the process, however that ends.
package filelock
