// Package identity is what a process needs to be let in by a broker: its name and
// role, a key whose seed was made here and never leaves, and the certificate authority
// that the broker must present. It joins with a token, keeps its credential in a
// folder, and connects with it.
package identity
