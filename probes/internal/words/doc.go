// Package words turns errors of Go's library into sentences for people: what was
// expected, and what came instead.
package words
