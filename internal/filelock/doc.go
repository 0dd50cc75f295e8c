// Package filelock takes the operating system's lock on a file. The lock ends with the
// process, however that ends.
package filelock
