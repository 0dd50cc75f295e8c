// Package identity is what a process holds to be let in by a broker: its name
// and role, a key whose seed was made here and never leaves, and the
// certificate authority that the broker must show. It joins with a token, keeps
// what it got in a folder, and connects with it.
package identity
