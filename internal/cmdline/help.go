package cmdline

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// helpWidth is how wide help is: that of the narrowest terminal in use.
const helpWidth = 80

// Help is what a command line asks to be told about the program: --help or -h anywhere in
// it, or nothing but the program's name. ok says that it asks for that.
func Help(app *cli.App, args []string) (text string, ok bool) {
	if len(args) == 1 {
		return appHelp(app), true
	}
	at := walk(app, nil)
	var command *cli.Command
	path := app.Name
	for _, arg := range args[1:] {
		switch {
		case at.flag != nil: // its value
			at.flag = nil
		case arg == "--help" || arg == "-h":
			if command == nil {
				return appHelp(app), true
			}
			return CommandHelp(path, command), true
		case arg == "--":
			return "", false
		case len(arg) > 1 && arg[0] == '-' && !negativeNumber(arg):
			f := Find(at.flags, FlagOf(arg))
			if d, ok := f.(cli.DocGenerationFlag); ok && d.TakesValue() && !strings.Contains(arg, "=") {
				at.flag = f
			}
		case len(at.args) > 0:
		default:
			c := named(at.commands, arg)
			if c == nil {
				at.args = append(at.args, arg)
				continue
			}
			command, path = c, path+" "+c.Name
			at.commands, at.flags = c.Subcommands, slices.Concat(c.Flags, helpFlags())
		}
	}
	return "", false
}

// named is the command of a name, nil for none.
func named(commands []*cli.Command, name string) *cli.Command {
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
	if i < 0 {
		return nil
	}
	return commands[i]
}

// Names are those of the commands that help shows, with their aliases.
func Names(commands []*cli.Command) (out []string) {
	for _, c := range commands {
		if !c.Hidden {
			out = append(out, c.Names()...)
		}
	}
	return out
}

// FlagNames are those of flags, as they are typed.
func FlagNames(flags []cli.Flag) (out []string) {
	for _, f := range flags {
		for _, n := range f.Names() {
			out = append(out, dashed(n))
		}
	}
	return out
}

func dashed(name string) string { return strings.Repeat("-", min(len(name), 2)) + name }

// appHelp is the help of the program.
func appHelp(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n\nUsage: %s COMMAND [arguments and flags]\n", app.Name, app.Version, app.Usage, app.Name)
	var categories []string
	for _, c := range app.Commands {
		if !slices.Contains(categories, c.Category) {
			categories = append(categories, c.Category)
		}
	}
	for _, category := range categories {
		title := category
		if title == "" {
			title = "Commands"
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		var rows [][2]string
		for _, c := range app.Commands {
			if c.Category == category && !c.Hidden {
				rows = append(rows, [2]string{c.Name, c.Usage})
			}
		}
		writeRows(&b, rows, 12)
	}
	if app.Description != "" {
		b.WriteString("\n" + reflow(app.Description) + "\n")
	}
	return b.String()
}

// CommandHelp is the help of one command. Path is its name with the program's before it.
func CommandHelp(path string, c *cli.Command) string {
	var b strings.Builder
	b.WriteString(wrap(path+": "+c.Usage, 0) + "\n\nUsage:\n")
	for _, form := range Forms("netmon", c.UsageText) {
		b.WriteString("  " + wrap(form, 6) + "\n")
	}
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso: %s\n", strings.Join(c.Aliases, ", "))
	}
	if c.Description != "" {
		b.WriteString("\n" + reflow(c.Description) + "\n")
	}
	var rows [][2]string
	for _, sub := range c.Subcommands {
		if !sub.Hidden {
			rows = append(rows, [2]string{sub.Name, sub.Usage})
		}
	}
	if len(rows) > 0 {
		b.WriteString("\nCommands:\n")
		writeRows(&b, rows, 12)
	}
	var categories []string
	groups := map[string][][2]string{}
	for _, f := range c.Flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		category := categoryOf(f)
		if !slices.Contains(categories, category) {
			categories = append(categories, category)
		}
		groups[category] = append(groups[category], flagRow(f))
	}
	slices.SortStableFunc(categories, func(a, b string) int { return brokerLast(a) - brokerLast(b) })
	for _, category := range categories {
		title := "Flags"
		if category != "" {
			title = "Flags, " + strings.TrimSuffix(category, ":")
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		writeRows(&b, groups[category], 26)
	}
	return b.String()
}

// Forms are those that a command's UsageText lists: each begins with the program's name.
func Forms(program, usageText string) (out []string) {
	for form := range strings.SplitSeq(usageText, ", "+program+" ") {
		out = append(out, program+" "+strings.TrimPrefix(form, program+" "))
	}
	return out
}

func brokerLast(category string) int {
	if category == ForBroker {
		return 1
	}
	return 0
}

// ForBroker is the category of the flags that choose the broker, and how long it is waited
// for: they are the same for all commands that talk to one.
const ForBroker = "for the broker:"

// IsForBroker says whether a flag is one of these.
func IsForBroker(f cli.Flag) bool { return categoryOf(f) == ForBroker }

func categoryOf(f cli.Flag) string {
	if of, ok := f.(cli.CategorizableFlag); ok {
		return of.GetCategory()
	}
	return ""
}

// flagRow is a flag with its names, and what it does.
func flagRow(f cli.Flag) [2]string {
	names, value, meaning := FlagText(f)
	return [2]string{strings.TrimSpace(strings.Join(names, ", ") + " " + value), meaning}
}

// FlagText is how help shows a flag: its names as they are typed, the word for its value, ""
// for one that takes none, and what it means, with its default and its variables.
func FlagText(f cli.Flag) (names []string, value, meaning string) {
	names = FlagNames([]cli.Flag{f})
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return names, "", ""
	}
	value, meaning = Placeholder(d.GetUsage())
	if !d.TakesValue() {
		value = ""
	}
	if text := DefaultOf(d); text != "" && !strings.Contains(meaning, "(default") {
		meaning += " (default: " + text + ")"
	}
	if env := d.GetEnvVars(); len(env) > 0 {
		meaning += " [$" + strings.Join(env, ", $") + "]"
	}
	return names, value, meaning
}

// Placeholder takes the `WORD` of a flag's value out of its meaning.
func Placeholder(usage string) (value, meaning string) {
	before, rest, ok := strings.Cut(usage, "`")
	word, after, closed := strings.Cut(rest, "`")
	if !ok || !closed {
		return "VALUE", usage
	}
	return word, before + word + after
}

// DefaultOf is a flag's default as people read it.
func DefaultOf(d cli.DocGenerationFlag) string {
	if b, ok := d.(*cli.BoolFlag); ok && !b.Value {
		return ""
	}
	text := strings.Trim(d.GetDefaultText(), `"`)
	if text == "" && d.TakesValue() {
		text = strings.Trim(d.GetValue(), `"[]`)
	}
	if text == "0" || text == "0s" {
		return ""
	}
	return text
}

// writeRows writes two columns; the first is at most so wide, or the second is below it.
func writeRows(b *strings.Builder, rows [][2]string, most int) {
	width := 0
	for _, r := range rows {
		if n := utf8.RuneCountInString(r[0]); n <= most {
			width = max(width, n)
		}
	}
	for _, r := range rows {
		head := "  " + r[0]
		if n := utf8.RuneCountInString(r[0]); n > most {
			b.WriteString(head + "\n")
			head = strings.Repeat(" ", width+2)
		} else {
			head += strings.Repeat(" ", width-n)
		}
		b.WriteString(strings.TrimRight(head+"  "+wrap(r[1], width+4), " ") + "\n")
	}
}

// wrap breaks a text between words. Its first line begins at column indent, as all others
// then do.
func wrap(text string, indent int) string {
	var b strings.Builder
	column := indent
	for i, word := range words(text, helpWidth-indent) {
		n := utf8.RuneCountInString(word)
		joined := strings.HasPrefix(word, "|")
		switch {
		case i == 0:
		case column+1+n > helpWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		case !joined:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// words are those of a text. One that fits in no line is taken apart where it has a choice,
// as in monitors|agents.
func words(text string, width int) (out []string) {
	for word := range strings.FieldsSeq(text) {
		if utf8.RuneCountInString(word) <= width {
			out = append(out, word)
			continue
		}
		for i, part := range strings.Split(word, "|") {
			if i > 0 {
				part = "|" + part
			}
			out = append(out, part)
		}
	}
	return out
}

// reflow wraps the paragraphs of a description. Lines that are indented are examples and
// stay as they are.
func reflow(text string) string {
	var out, paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, wrap(strings.Join(paragraph, " "), 0))
			paragraph = nil
		}
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, " "):
			flush()
			out = append(out, line)
		case line == "":
			flush()
			out = append(out, "")
		default:
			paragraph = append(paragraph, line)
		}
	}
	flush()
	return strings.Join(out, "\n")
}
