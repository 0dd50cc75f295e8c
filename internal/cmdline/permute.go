package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// FirstWord is where the first word of a command line is that is neither a flag nor the
// value of one; len(args) where there is none. args[0] is the program.
func FirstWord(app *cli.App, args []string) int {
	for i := 1; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--":
			return len(args)
		case len(arg) < 2 || arg[0] != '-':
			return i
		case !strings.Contains(arg, "=") && takesValue(app.Flags, app.Commands, FlagOf(arg)):
			i++
		}
	}
	return len(args)
}

// Permute moves flags before positional arguments, because urfave/cli stops at
// the first positional and would silently ignore the flags after it. What
// follows "--" stays as it is.
func Permute(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	path := []string{args[0]}
	commands, flags := app.Commands, app.Flags
	var options [][]string // each flag with its value
	var positionals []string
	rest := args[1:]
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			positionals = append(positionals, rest...)
			rest = nil
		case len(arg) > 1 && arg[0] == '-' && !negativeNumber(arg):
			group := []string{arg}
			if !strings.Contains(arg, "=") && takesValue(flags, commands, FlagOf(arg)) && len(rest) > 0 {
				group = append(group, rest[0])
				rest = rest[1:]
			}
			options = append(options, group)
		default:
			i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(arg) })
			if i < 0 || len(positionals) > 0 {
				positionals = append(positionals, arg)
				continue
			}
			// Flags of the command above stay with it, the others go down.
			var down [][]string
			for _, group := range options {
				if Find(flags, FlagOf(group[0])) != nil {
					path = append(path, group...)
				} else {
					down = append(down, group)
				}
			}
			path, options = append(path, arg), down
			commands, flags = commands[i].Subcommands, commands[i].Flags
		}
	}
	out := append(path, slices.Concat(options...)...)
	// With --help urfave/cli would look for a help topic of the positional's name.
	help := slices.ContainsFunc(options, func(g []string) bool { return g[0] == "--help" || g[0] == "-h" })
	if help && len(path) > 1 {
		return out
	}
	if len(positionals) > 0 {
		out = append(append(out, "--"), positionals...)
	}
	return out
}

func negativeNumber(s string) bool { return s[1] >= '0' && s[1] <= '9' }

// FlagOf is the name of the flag in an argument such as --name=value.
func FlagOf(arg string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return name
}

// Find is the flag of a name, nil for none.
func Find(flags []cli.Flag, name string) cli.Flag {
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil
	}
	return flags[i]
}

// takesValue says whether the flag of this name, here or in a command below,
// is followed by its value.
func takesValue(flags []cli.Flag, commands []*cli.Command, name string) bool {
	if f := Find(flags, name); f != nil {
		d, ok := f.(cli.DocGenerationFlag)
		return ok && d.TakesValue()
	}
	return slices.ContainsFunc(commands, func(c *cli.Command) bool { return takesValue(c.Flags, c.Subcommands, name) })
}
