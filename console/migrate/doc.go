// Package migrate turns what other tools are configured with into monitors.
//
// Each tool is a [Source] in a folder of its own. It reads files and returns what it
// [Found]: monitors, each with what it could not carry, and the checks that it left out,
// with the reason. Nothing is lost silently: what is in the tool's files is in one of these,
// or changes nothing that is measured. What looks like a secret is replaced by a reference.
package migrate
