// Package cmdline reads command lines as people write them, for programs made with
// urfave/cli: flags may be anywhere, commands and flags state in data what they
// take (Argument), and Complete lists what could be at the cursor.
package cmdline
