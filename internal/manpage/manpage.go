// Package manpage makes the manual pages of a program from what its commands say of
// themselves: one of the program, and one of each command with the commands below it.
package manpage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
)

// Manual is what the pages are made of.
type Manual struct {
	App  *cli.App
	Date time.Time // of the version, in the foot of each page
	// Front are sections of the program's own page, behind its commands.
	Front []Section
	// PerKind says whether a flag belongs to one kind only. Commands that differ in their
	// kind alone share one list of flags, without these; Kinds stands before it.
	PerKind func(cli.Flag) bool
	Kinds   string
}

// Section is one of a page.
type Section struct {
	Title string
	Text  string // prose, as commands describe themselves
	Terms []Term // behind it
}

// Term is an entry of a list.
type Term struct{ Name, Meaning string }

// Pages returns the pages of section 1 by their file names, such as netmon-add.1.
func (m *Manual) Pages() map[string][]byte {
	pages := map[string][]byte{m.App.Name + ".1": []byte(m.program())}
	for _, c := range m.App.Commands {
		if !c.Hidden {
			pages[m.name(c)+".1"] = []byte(m.command(c))
		}
	}
	return pages
}

func (m *Manual) name(c *cli.Command) string { return m.App.Name + "-" + c.Name }

// head begins a page.
func (m *Manual) head(r *roff, name, about string) {
	r.macro("TH", strings.ToUpper(name), "1", m.Date.UTC().Format(time.DateOnly), m.App.Name+" "+m.App.Version, m.App.Name+" manual")
	r.macro("SH", "NAME")
	r.text(escape(name) + ` \- ` + escape(about))
}

// program is the page of the program itself.
func (m *Manual) program() string {
	var r roff
	m.head(&r, m.App.Name, m.App.Usage)
	r.macro("SH", "SYNOPSIS")
	r.line(bold(m.App.Name) + " " + italic("COMMAND") + " [arguments and flags]")
	r.macro("SH", "DESCRIPTION")
	r.prose(m.App.Description)
	r.macro("SH", "COMMANDS")
	for _, category := range m.categories() {
		if category != "" {
			r.macro("SS", category)
		}
		for _, c := range m.App.Commands {
			if c.Category == category && !c.Hidden {
				r.term(reference(m.name(c)), sentence(c.Usage))
			}
		}
	}
	for _, s := range m.Front {
		r.macro("SH", s.Title)
		if s.Text != "" {
			r.prose(s.Text)
		}
		for _, t := range s.Terms {
			r.term(bold(t.Name), t.Meaning)
		}
	}
	return r.String()
}

func (m *Manual) categories() (out []string) {
	for _, c := range m.App.Commands {
		if !slices.Contains(out, c.Category) {
			out = append(out, c.Category)
		}
	}
	return out
}

// command is the page of one command.
func (m *Manual) command(c *cli.Command) string {
	var r roff
	m.head(&r, m.name(c), c.Usage)
	r.macro("SH", "SYNOPSIS")
	m.synopsis(&r, m.App.Name+" "+c.Name, c)
	if c.Description != "" {
		r.macro("SH", "DESCRIPTION")
		r.prose(c.Description)
	}
	own, broker := m.flags(c)
	if len(own) > 0 {
		r.macro("SH", "OPTIONS")
		if of := m.ofKinds(c); of != nil {
			r.paragraph(m.Kinds)
		}
		writeFlags(&r, own)
	}
	var below []*cli.Command
	eachBelow(c, m.App.Name+" "+c.Name, func(path string, sub *cli.Command) {
		if len(below) == 0 {
			r.macro("SH", "COMMANDS")
		}
		below = append(below, sub)
		broker = m.below(&r, path, sub, broker)
	})
	if len(broker) > 0 {
		r.macro("SH", "OPTIONS FOR THE BROKER")
		writeFlags(&r, broker)
	}
	r.macro("SH", "SEE ALSO")
	see := []string{reference(m.App.Name)}
	for _, other := range m.App.Commands {
		if other != c && other.Category == c.Category && !other.Hidden {
			see = append(see, reference(m.name(other)))
		}
	}
	r.text(strings.Join(see, ", "))
	return r.String()
}

// below writes a command that stands below another one, and returns the flags for the
// broker: its own, where none were known before.
func (m *Manual) below(r *roff, path string, c *cli.Command, broker []cli.Flag) []cli.Flag {
	r.macro("SS", path)
	r.text(escape(sentence(c.Usage)))
	r.pause()
	m.synopsis(r, path, c)
	if c.Description != "" {
		r.prose(c.Description)
	}
	own, of := m.flags(c)
	writeFlags(r, own)
	if len(broker) == 0 {
		return of
	}
	return broker
}

// eachBelow goes through the commands below one, but for those of one kind each.
func eachBelow(c *cli.Command, path string, do func(path string, c *cli.Command)) {
	for _, sub := range c.Subcommands {
		if sub.Hidden || sub.ArgsUsage == cmdline.Target {
			continue
		}
		do(path+" "+sub.Name, sub)
		eachBelow(sub, path+" "+sub.Name, do)
	}
}

// synopsis writes the forms of a command, each in a line of its own.
func (m *Manual) synopsis(r *roff, path string, c *cli.Command) {
	for i, form := range cmdline.Forms(m.App.Name, c.UsageText) {
		if i > 0 {
			r.WriteString(".br\n")
		}
		words, rest := path, ""
		if after, ok := strings.CutPrefix(form, path); ok {
			rest = after
		} else { // another command's, which does the same
			words, rest, _ = strings.Cut(form, " ")
			rest = " " + rest
		}
		r.text(bold(words) + escape(rest))
	}
	if len(c.Aliases) > 0 {
		r.paragraph("Also: " + strings.Join(c.Aliases, ", ") + ".")
	}
}

// ofKinds is one of the commands of kinds below a command, nil for none.
func (m *Manual) ofKinds(c *cli.Command) *cli.Command {
	i := slices.IndexFunc(c.Subcommands, func(s *cli.Command) bool { return s.ArgsUsage == cmdline.Target })
	if i < 0 {
		return nil
	}
	return c.Subcommands[i]
}

// flags are those of a command, and those that choose its broker.
func (m *Manual) flags(c *cli.Command) (own, broker []cli.Flag) {
	all := c.Flags
	if of := m.ofKinds(c); of != nil {
		all = slices.DeleteFunc(slices.Clone(of.Flags), m.PerKind)
	}
	for _, f := range all {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		if cmdline.IsForBroker(f) {
			broker = append(broker, f)
		} else {
			own = append(own, f)
		}
	}
	return own, broker
}

func writeFlags(r *roff, flags []cli.Flag) {
	for _, f := range flags {
		names, value, meaning := cmdline.FlagText(f)
		term := bold(strings.Join(names, ", "))
		if value != "" {
			term += " " + italic(value)
		}
		r.term(term, sentence(meaning))
	}
}

// reference is a page as others name it.
func reference(page string) string { return bold(page) + "(1)" }

// sentence ends what commands say of themselves, which begins in lower case, as one.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%s%s.", strings.ToUpper(text[:1]), strings.TrimSuffix(text[1:], "."))
}
