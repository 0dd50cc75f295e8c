package main

import (
	"embed"
	"io"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
)

// completeWord is the command that the scripts of a shell ask.
const completeWord = "__complete"

//go:embed completion
var completionScripts embed.FS

func completionCommand() *cli.Command {
	c := &cli.Command{
		Name:      "completion",
		ArgsUsage: cmdline.Nothing,
		Usage:     "print a script that completes netmon's commands in your shell",
		UsageText: "netmon completion bash|zsh|fish",
		Description: "Completes commands, flags and their values, the names of monitors, agents, labels,\ncontexts, configurations and revisions, and FIELD=VALUE of netmon set.\nNames come from the broker; " +
			"where it does not answer\nat once, there are none.\n\n" +
			"   eval \"$(netmon completion bash)\"\n   netmon completion zsh > ~/.zfunc/_netmon\n   netmon completion fish > ~/.config/fish/completions/netmon.fish",
		Action: func(c *cli.Context) error {
			return usage("completion for which shell? want bash, zsh or fish, got %q", c.Args().First())
		},
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		c.Subcommands = append(c.Subcommands, &cli.Command{
			Name: shell, ArgsUsage: cmdline.Nothing, Usage: "for " + shell, UsageText: "netmon completion " + shell,
			Action: func(c *cli.Context) error {
				f, err := completionScripts.Open("completion/netmon." + shell)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = io.Copy(c.App.Writer, f)
				return err
			},
		})
	}
	return c
}
