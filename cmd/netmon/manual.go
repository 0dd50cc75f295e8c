package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon"
	"netmon/internal/cmdline"
	"netmon/internal/manpage"
	"netmon/probes/kinds"
)

// exitCodes are what commands end with, as documents tell them.
func exitCodes() []manpage.Term {
	var terms []manpage.Term
	for _, c := range []struct {
		code  int
		means string
	}{
		{exitOK, "fine"},
		{exitNo, "the answer is no"},
		{exitUsage, "wrong use or an invalid file"},
		{exitUnreachable, "no broker"},
		{exitTimeout, "waited too long"},
		{exitInterrupted, "interrupted"},
	} {
		terms = append(terms, manpage.Term{Name: fmt.Sprint(c.code), Meaning: c.means})
	}
	return terms
}

// manual is what the manual pages are made of.
func manual(app *cli.App) *manpage.Manual {
	var documents []manpage.Term
	for _, d := range netmon.Documents() {
		documents = append(documents, manpage.Term{Name: "netmon docs " + d.Name, Meaning: d.About})
	}
	return &manpage.Manual{
		App: app, Date: dateOfVersion(),
		PerKind: func(f cli.Flag) bool {
			of, ok := f.(cli.CategorizableFlag)
			return ok && of.GetCategory() == ofThisKind
		},
		Kinds: "KIND is one of " + kinds.All().Names() + "; netmon docs kinds lists the options of each. For every kind:",
		Front: []manpage.Section{
			{Title: "EXIT STATUS", Terms: exitCodes()},
			{Title: "ENVIRONMENT", Terms: environment(app.Commands)},
			{Title: "FILES", Terms: []manpage.Term{
				{Name: "/etc/netmon/policy.yaml", Meaning: "what the agents of this host may measure, and where their secrets may go: netmon docs policy"},
				{Name: "/etc/netmon/notifier.yaml", Meaning: "what channels may reach from this host: netmon docs alerts"},
				{Name: "/etc/netmon/agent.env, broker.env, notifier.env", Meaning: "arguments and the line that lets in, for the systemd units"},
				{Name: "~/.config/netmon", Meaning: "contexts and identities of a user"},
				{Name: "~/.local/state/netmon", Meaning: "what daemons that a user runs keep; those of the systemd units keep it in /var/lib/netmon-broker, netmon-agent and netmon-notifier"},
			}},
			{Title: "DOCUMENTS", Text: "The program has them with it:", Terms: documents},
		},
	}
}

// environment are the variables that flags read, and those that all commands obey.
func environment(commands []*cli.Command) []manpage.Term {
	terms := []manpage.Term{
		{Name: "CLICOLOR_FORCE", Meaning: "colours also where the output is no terminal"},
		{Name: "GOMEMLIMIT", Meaning: "the memory that a daemon keeps to, such as 1GiB"},
		{Name: "NO_COLOR", Meaning: "no colours"},
		{Name: "PAGER", Meaning: "shows documents that are longer than the terminal"},
		{Name: "VISUAL, EDITOR", Meaning: "opens what netmon edit changes"},
		{Name: "XDG_CONFIG_HOME, XDG_STATE_HOME", Meaning: "are used instead of ~/.config and ~/.local/state"},
	}
	readBy := map[string][]string{} // flags, in the order of the commands
	var each func(commands []*cli.Command)
	each = func(commands []*cli.Command) {
		for _, c := range commands {
			for _, f := range c.Flags {
				names, _, meaning := cmdline.FlagText(f)
				_, variables, _ := strings.Cut(strings.TrimSuffix(meaning, "]"), " [$")
				for env := range strings.SplitSeq(variables, ", $") {
					if env != "" && !slices.Contains(readBy[env], names[0]) {
						readBy[env] = append(readBy[env], names[0])
					}
				}
			}
			each(c.Subcommands)
		}
	}
	each(commands)
	for env, flags := range readBy {
		terms = append(terms, manpage.Term{Name: env, Meaning: "stands for " + strings.Join(flags, " or ")})
	}
	slices.SortFunc(terms, func(a, b manpage.Term) int { return cmp.Compare(a.Name, b.Name) })
	return terms
}

// writeManual writes the manual pages into a folder, such as ~/.local/share/man/man1.
func writeManual(app *cli.App, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- for every user's man
		return err
	}
	for name, page := range manual(app).Pages() {
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil { // #nosec G306 -- for every user's man
			return err
		}
	}
	return nil
}
