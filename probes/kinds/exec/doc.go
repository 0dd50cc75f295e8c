// Package exec runs a program of the agent's host, as Nagios and Icinga run their
// plugins, and reads what it says: its exit code, its text and its performance data
// (Monitoring Plugins Development Guidelines). Whether an agent runs programs at all,
// and which, is for its owner to say: see [probes.Env.Program].
package exec
