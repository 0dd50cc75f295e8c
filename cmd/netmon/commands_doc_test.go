package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
	"netmon/probes/kinds"
)

var update = flag.Bool("update", false, "rewrite what is made from the code")

const commandsDoc = "../../docs/commands.md"

// TestCommandsDoc keeps docs/commands.md as the commands define themselves.
func TestCommandsDoc(t *testing.T) {
	// What is shown must not depend on this machine.
	t.Setenv("HOME", "/home/you")
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	want := commandsText(newApp(strings.NewReader(""), io.Discard, io.Discard))
	if *update {
		if err := os.WriteFile(commandsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(commandsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/commands.md is not what the commands say of themselves: go test ./cmd/netmon -run CommandsDoc -update")
	}
}

// TestCommands_SayHowToBeUsed wants of every command a line of usage, a form, and
// what its arguments are, and of every flag a meaning and what its value is: help
// and completion, of shells and of the prompt, go by them.
func TestCommands_SayHowToBeUsed(t *testing.T) {
	eachCommand(newApp(strings.NewReader(""), io.Discard, io.Discard).Commands, "netmon", func(path string, c *cli.Command) {
		if c.Usage == "" || !strings.HasPrefix(c.UsageText, "netmon ") {
			t.Errorf("%s: usage %q, form %q", path, c.Usage, c.UsageText)
		}
		if !cmdline.Stated(c.ArgsUsage) {
			t.Errorf("%s: what its arguments are is not said: %q", path, c.ArgsUsage)
		}
		for _, f := range c.Flags {
			if !cmdline.Stated(cmdline.ValueOf(f)) {
				t.Errorf("%s --%s: what its value is is not said: %q", path, f.Names()[0], cmdline.ValueOf(f))
			}
			if d, ok := f.(cli.DocGenerationFlag); !ok || d.GetUsage() == "" {
				t.Errorf("%s --%s: no meaning", path, f.Names()[0])
			}
		}
	})
}

func eachCommand(commands []*cli.Command, path string, do func(path string, c *cli.Command)) {
	for _, c := range commands {
		do(path+" "+c.Name, c)
		eachCommand(c.Subcommands, path+" "+c.Name, do)
	}
}

func commandsText(app *cli.App) string {
	var codes []string
	for _, c := range exitCodes() {
		codes = append(codes, c.Name+" "+c.Meaning)
	}
	var b strings.Builder
	b.WriteString(`# Commands

Made from what the commands say of themselves (` + "`go test ./cmd/netmon -run CommandsDoc -update`" + `);
` + "`netmon COMMAND --help`" + ` shows the same.

Flags may stand before and behind arguments. Data goes to standard output, talk to standard error.
Colours are for terminals; ` + "`NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb`" + ` are obeyed, and no state is told by colour alone.

Exit codes: ` + strings.Join(codes, " · ") + `.

A command that talks to a broker finds it by ` + "`--broker` or `--context`, then `NETMON_BROKER` or `NETMON_CONTEXT`" + `,
then the context in use (` + "`netmon context use`" + `), then on this host. It gives up after ` + "`--timeout`, or `NETMON_TIMEOUT`" + `, with
exit code 4; of ` + "`add` and `probe`, `--timeout` is that of a run" + `. Without one it waits for each answer
of the broker for ` + defaultPatience.String() + `: a cluster that lost a server takes 5 to 9 s to elect a leader. What it waits for it says on standard error.

These flags every command that talks to a broker has; the tables below leave them out:

`)
	forBroker := slices.DeleteFunc(slices.Clone(app.Command("show").Flags), func(f cli.Flag) bool { return !cmdline.IsForBroker(f) })
	writeFlags(&b, forBroker)
	b.WriteString(`
Words of other tools work, too: ` + "`ls`, `ps`, `list` and `status`" + ` are ` + "`netmon get monitors`" + `, with what ` + "`netmon get`" + ` takes behind them such as
` + "`netmon ls agents`" + `, or the name of a monitor; ` + "`netmon ping HOST`" + ` is ` + "`netmon probe icmp HOST`" + `. A misspelt command, kind, flag or field
is answered with the one that is meant, and ` + "`netmon logs`, `restart`, `login`" + ` and so on with the command to use.
`)
	category := ""
	for _, c := range app.Commands {
		if c.Category != category {
			category = c.Category
			fmt.Fprintf(&b, "\n**%s**\n\n| command | does |\n|---|---|\n", category)
		}
		fmt.Fprintf(&b, "| [`netmon %s`](#netmon-%s) | %s |\n", c.Name, c.Name, cell(c.Usage))
	}
	eachCommand(app.Commands, "netmon", func(path string, c *cli.Command) {
		if c.ArgsUsage == cmdline.Target {
			return // its own options are those of a file
		}
		writeCommand(&b, path, c)
	})
	return b.String()
}

func writeCommand(b *strings.Builder, path string, c *cli.Command) {
	fmt.Fprintf(b, "\n%s %s\n\n%s.\n\n```\n%s\n```\n", strings.Repeat("#", min(len(strings.Fields(path)), 4)), path, sentence(c.Usage), c.UsageText)
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso `%s`.\n", strings.Join(c.Aliases, "`, `"))
	}
	// An indented block is an example.
	var text, examples []string
	for line := range strings.Lines(c.Description) {
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "   ") {
			examples = append(examples, strings.TrimSpace(line))
		} else {
			text = append(text, line)
		}
	}
	if s := strings.TrimSpace(strings.Join(text, "\n")); s != "" {
		fmt.Fprintf(b, "\n%s\n", s)
	}
	if len(examples) > 0 {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.Join(examples, "\n"))
	}
	flags := c.Flags
	if i := slices.IndexFunc(c.Subcommands, func(s *cli.Command) bool { return s.ArgsUsage == cmdline.Target }); i >= 0 {
		flags = slices.DeleteFunc(slices.Clone(c.Subcommands[i].Flags), func(f cli.Flag) bool {
			of, ok := f.(cli.CategorizableFlag)
			return ok && of.GetCategory() == ofThisKind
		})
		fmt.Fprintf(b, "\nKIND is one of %s; [probes/README.md](../probes/README.md) lists the options of each. For every kind:\n", kinds.All().Names())
	}
	own := slices.DeleteFunc(slices.Clone(flags), cmdline.IsForBroker)
	if len(own) > 0 {
		b.WriteString("\n")
		writeFlags(b, own)
	}
	if len(own) < len(flags) && len(own) == 0 {
		b.WriteString("\nIts flags are those for the broker.\n")
	}
}

// writeFlags writes a table of flags.
func writeFlags(b *strings.Builder, flags []cli.Flag) {
	b.WriteString("| flag | meaning | default |\n|---|---|---|\n")
	for _, f := range flags {
		d := f.(cli.DocGenerationFlag)
		value, meaning := cmdline.Placeholder(d.GetUsage())
		var names []string
		for _, n := range f.Names() {
			names = append(names, "`"+strings.Repeat("-", min(len(n), 2))+n+"`")
		}
		if d.TakesValue() {
			names[0] = strings.TrimSuffix(names[0], "`") + " " + value + "`"
		}
		if env := d.GetEnvVars(); len(env) > 0 {
			meaning += " [$" + strings.Join(env, ", $") + "]"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", strings.Join(names, ", "), cell(meaning), cell(defaultOf(d)))
	}
}

func defaultOf(d cli.DocGenerationFlag) string {
	text := d.GetDefaultText()
	if b, ok := d.(*cli.BoolFlag); ok && !b.Value {
		return ""
	}
	return strings.Trim(text, `"`)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
