// Package endpoint finds the broker that a command is for, and who the caller is
// there: by flag, by environment, by a context that was saved under a name, else among
// the brokers of this host, which leave a note while they run.
//
// Errors that a person can correct on the command line are those of exit.Usage.
// Passwords in addresses are in no error: see Redact.
package endpoint
