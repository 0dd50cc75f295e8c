package cmdline

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"netmon/console"
)

// candidate is one word that could be at the cursor, and what it means.
type candidate struct{ word, about string }

// CompleteFiles tells the shell to complete the names of files.
const CompleteFiles = ":files"

// Complete writes what could be in place of the last of the words, one
// candidate to a line, with its meaning behind a tab. It never fails: where it
// knows nothing, it writes nothing.
func Complete(ctx context.Context, app *cli.App, words []string, w io.Writer) {
	if len(words) == 2 && words[0] == "--line" { // as bash has it
		if words = ShellWords(words[1]); len(words) > 0 {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return
	}
	at := walk(app, words[:len(words)-1])
	current := words[len(words)-1]
	var out strings.Builder
	for _, c := range at.candidates(ctx, current) {
		if c.word == CompleteFiles {
			fmt.Fprintln(w, CompleteFiles)
			return
		}
		if !strings.HasPrefix(c.word, current) || !shellSafe(c.word) {
			continue
		}
		out.WriteString(c.word)
		if about, _, _ := strings.Cut(c.about, "\n"); about != "" {
			out.WriteString("\t" + console.Printable(strings.ReplaceAll(about, "`", "")))
		}
		out.WriteByte('\n')
	}
	io.WriteString(w, out.String())
}

// shellSafe says that a shell takes a word as it stands: some words are names
// and labels that others chose, and nobody looks twice at what Tab put there.
func shellSafe(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./:=,@%+", r)
	})
}

// cursor is where in a command line the next word stands.
type cursor struct {
	commands []*cli.Command
	flags    []cli.Flag
	takes    Argument          // of the command
	args     []string          // positional ones so far
	values   map[string]string // of flags so far
	flag     cli.Flag          // whose value comes next
	literal  bool              // behind --
}

// walk reads a command line as permute does.
func walk(app *cli.App, words []string) cursor {
	at := cursor{commands: app.Commands, flags: slices.Concat(app.Flags, helpFlags()), values: map[string]string{}}
	for _, w := range words {
		switch {
		case at.flag != nil:
			at.values[at.flag.Names()[0]], at.flag = w, nil
		case at.literal || len(w) < 2 || w[0] != '-' || negativeNumber(w):
			i := slices.IndexFunc(at.commands, func(c *cli.Command) bool { return c.HasName(w) })
			if i < 0 || len(at.args) > 0 || at.literal {
				at.args = append(at.args, w)
				continue
			}
			c := at.commands[i]
			at.takes, at.commands, at.flags = c.ArgsUsage, c.Subcommands, slices.Concat(c.Flags, helpFlags())
		case w == "--":
			at.literal = true
		default:
			f := Find(at.flags, FlagOf(w))
			if f == nil {
				continue
			}
			if _, value, ok := strings.Cut(w, "="); ok {
				at.values[f.Names()[0]] = value
			} else if d, ok := f.(cli.DocGenerationFlag); ok && d.TakesValue() {
				at.flag = f
			}
		}
	}
	return at
}

func helpFlags() []cli.Flag { return []cli.Flag{cli.HelpFlag} }

// candidates are all words for this place; current is what is there already.
func (at cursor) candidates(ctx context.Context, current string) []candidate {
	name, value, given := strings.Cut(current, "=")
	switch {
	case at.flag != nil:
		return at.known(ctx, ValueOf(at.flag), current)
	case !at.literal && strings.HasPrefix(current, "--") && given:
		f := Find(at.flags, FlagOf(name))
		if f == nil {
			return nil
		}
		out := at.known(ctx, ValueOf(f), value)
		for i := range out {
			if out[i].word != CompleteFiles {
				out[i].word = name + "=" + out[i].word
			}
		}
		return out
	case !at.literal && strings.HasPrefix(current, "-"):
		return at.flagNames()
	}
	var out []candidate
	if len(at.args) == 0 && !at.literal {
		for _, c := range at.commands {
			if !c.Hidden {
				out = append(out, candidate{c.Name, c.Usage})
			}
		}
	}
	return append(out, at.argument(ctx, current)...)
}

func (at cursor) flagNames() []candidate {
	var out []candidate
	for _, f := range at.flags {
		about := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = d.GetUsage()
		}
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		for _, n := range f.Names() {
			if len(n) > 1 {
				out = append(out, candidate{"--" + n, about})
			}
		}
	}
	slices.SortFunc(out, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return out
}

// ShellWords splits a command line as a shell would, up to the cursor. The
// last word is the one at the cursor, "" behind a space.
func ShellWords(line string) []string {
	var words []string
	var b strings.Builder
	var quote rune
	escaped, open := false, false
	for _, r := range line {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, open = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if open {
				words = append(words, b.String())
				b.Reset()
				open = false
			}
		default:
			b.WriteRune(r)
			open = true
		}
	}
	return append(words, b.String())
}
