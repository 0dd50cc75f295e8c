// Package wire is the contract of the mesh: the subjects, the JSON messages
// that travel on them, and the rules they are checked by.
//
// Agents and consoles meet here and nowhere else. The package uses the
// standard library alone, keeps no state and starts nothing.
//
// Two rules hold for every message. Fields are only ever added, so readers
// ignore what they do not know; and every name that becomes part of a subject
// passes [CheckToken] first, because NATS itself would accept wildcards there.
package wire
