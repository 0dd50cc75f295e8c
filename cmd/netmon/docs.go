package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon"
	"netmon/console/output"
	"netmon/internal/cmdline"
)

// documentsNamed is the line of help that names the documents.
func documentsNamed() string {
	var names []string
	for _, d := range netmon.Documents() {
		names = append(names, d.Name)
	}
	return "Documents (netmon docs NAME): " + strings.Join(names, ", ")
}

func docsCommand() *cli.Command {
	var names []string
	for _, d := range netmon.Documents() {
		names = append(names, d.Name+"\t"+d.About)
	}
	return &cli.Command{
		Name:      "docs",
		ArgsUsage: cmdline.OneOf(names...),
		Usage:     "print a document, from this program itself",
		UsageText: "netmon docs [NAME], netmon docs --man FOLDER",
		Description: "Without NAME it lists the documents. They are those of this version, in Markdown.\n" +
			"On a terminal, a document that is longer than the screen opens in $PAGER, if that is set.\n" +
			"With --man it writes the manual pages, netmon.1 and one for each command, into FOLDER.\n\n" +
			"   netmon docs monitors\n   netmon docs troubleshooting | less\n   netmon docs --man ~/.local/share/man/man1",
		Flags: []cli.Flag{
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "man", Usage: "write the manual pages into this `FOLDER`"}),
		},
		Action: func(c *cli.Context) error {
			if c.IsSet("man") {
				if c.NArg() > 0 || c.String("man") == "" {
					return usage("--man: want a folder and no document, got %q and %q", c.String("man"), c.Args().Slice())
				}
				return writeManual(c.App, c.String("man"))
			}
			if c.NArg() == 0 {
				return listDocuments(c.App.Writer)
			}
			name, err := oneArg(c, "document")
			if err != nil {
				return err
			}
			name = strings.TrimSuffix(name, ".md")
			all := netmon.Documents()
			i := slices.IndexFunc(all, func(d netmon.Document) bool {
				return strings.EqualFold(d.Name, name) || strings.EqualFold(strings.TrimSuffix(d.Path, ".md"), name)
			})
			if i < 0 {
				return usage("no document %q: netmon docs lists them", name)
			}
			text, err := netmon.Files.ReadFile(all[i].Path)
			if err != nil {
				return err
			}
			return page(c.Context, c.App.Writer, string(text))
		},
	}
}

func listDocuments(w io.Writer) error {
	return output.Table(w, []string{"NAME", "WHAT IT SAYS"}, func(yield func([]string) bool) {
		for _, d := range netmon.Documents() {
			if !yield([]string{d.Name, d.About}) {
				return
			}
		}
	})
}

// page writes a text: by the user's pager where that is a terminal on which it has no room.
func page(ctx context.Context, w io.Writer, text string) error {
	pager := strings.TrimSpace(os.Getenv("PAGER"))
	out, ok := w.(*os.File)
	if !ok || pager == "" || !term.IsTerminal(int(out.Fd())) { // #nosec G115 -- a descriptor
		return write(w, text)
	}
	if _, height, err := term.GetSize(int(out.Fd())); err != nil || strings.Count(text, "\n") < height { // #nosec G115 -- a descriptor
		return write(w, text)
	}
	cmd := pagerOf(ctx, pager)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), out, os.Stderr
	if err := cmd.Run(); err != nil {
		if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() != 127 {
			return nil // somebody left it before the end
		}
		return write(w, text)
	}
	return nil
}

func write(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
