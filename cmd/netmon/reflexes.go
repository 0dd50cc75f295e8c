package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/prompt"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// listWords are words of other tools for a list of what there is.
func listWords() []string { return []string{"ls", "ps", "list", "status"} }

// shorthand is the command that a word of another tool stands for, with what comes behind
// it; nil for any other word. A word that is the same as one command in everything is an
// alias of that instead.
func shorthand(app *cli.App, word string, rest []string) []string {
	switch {
	case word == "ping":
		return []string{"probe", "icmp"}
	case !slices.Contains(listWords(), word):
		return nil
	case len(rest) == 0 || strings.HasPrefix(rest[0], "-"):
		return []string{"get", "monitors"}
	}
	if get := app.Command("get"); get != nil && slices.Contains(cmdline.Names(get.Subcommands), rest[0]) {
		return []string{"get"}
	}
	if word == "status" {
		return []string{"show"}
	}
	return []string{"get", "monitor", "--output", "table"}
}

// otherWords are words of other tools for which there is no single command here, and what
// to use instead.
func otherWords() map[string]string {
	return map[string]string{
		"logs":       "netmon watch NAME follows results, netmon get results NAME lists stored ones",
		"log":        "netmon watch NAME follows results, netmon get results NAME lists stored ones",
		"tail":       "netmon watch NAME follows results, netmon get results NAME --tail 20 lists the last ones",
		"results":    "netmon get results NAME lists stored ones, netmon watch follows new ones",
		"events":     "netmon get incidents and netmon get verdicts say what happened, netmon audit who changed what",
		"alerts":     "netmon get incidents lists what is wrong; docs/alerts.md explains channels and rules",
		"restart":    "netmon stop NAME, then netmon start NAME; netmon run NAME measures at once",
		"reload":     "changes reach agents at once: netmon apply -f FILE",
		"pause":      "netmon stop NAME",
		"unpause":    "netmon start NAME",
		"resume":     "netmon start NAME",
		"enable":     "netmon start NAME",
		"disable":    "netmon stop NAME",
		"kill":       "netmon stop NAME",
		"exec":       "netmon run NAME measures a saved monitor now, netmon probe KIND TARGET anything else",
		"test":       "netmon probe KIND TARGET measures now, netmon notify test CHANNEL sends a test notice",
		"mute":       "netmon silence",
		"login":      "netmon context add NAME --join LINE, with a line that netmon token new console makes",
		"join":       "netmon agent --join LINE for an agent, netmon context add NAME --join LINE for a person",
		"whoami":     "netmon context ls",
		"user":       "netmon token new lets somebody in, netmon access ls lists who may come in",
		"serve":      "netmon up runs everything in one process, netmon broker the middle alone",
		"server":     "netmon up runs everything in one process, netmon broker the middle alone",
		"daemon":     "netmon up runs everything in one process, netmon agent measures on another host",
		"init":       "netmon up starts a mesh",
		"update":     "netmon set NAME FIELD=VALUE changes fields, netmon apply -f FILE what a file says",
		"replace":    "netmon apply -f FILE",
		"label":      "netmon set NAME tags.TAG=VALUE for a monitor; an agent has --label",
		"tag":        "netmon set NAME tags.TAG=VALUE",
		"undo":       "netmon history NAME, then netmon rollback NAME --to REVISION",
		"nodes":      "netmon get agents",
		"hosts":      "netmon get agents",
		"ui":         "netmon dash",
		"shell":      "netmon console",
		"curl":       "netmon probe https URL",
		"dig":        "netmon probe dns NAME",
		"traceroute": "netmon probe --help lists the kinds of probes; netmon measures no routes",
	}
}

// expand writes a command line out: words of other tools, and help COMMAND, as the command
// that is meant.
func expand(app *cli.App, args []string) ([]string, error) {
	at := cmdline.FirstWord(app, args)
	if at >= len(args) {
		return args, nil
	}
	flags, word, rest := args[1:at], args[at], args[at+1:]
	if word == "help" {
		return helpLine(app, args[0], rest)
	}
	if means := shorthand(app, word, rest); means != nil {
		return slices.Concat(args[:1], means, flags, rest), nil
	}
	return args, nil
}

// helpLine is netmon help COMMAND as netmon COMMAND --help.
func helpLine(app *cli.App, name string, words []string) ([]string, error) {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.HasPrefix(w, "-") })
	if len(words) > 0 {
		if means := shorthand(app, words[0], words[1:]); means != nil {
			words = slices.Concat(means, words[1:])
		}
	}
	commands, path := app.Commands, "netmon"
	for _, w := range words {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(w) })
		if i < 0 && path == "netmon" {
			return nil, unknownCommand(app, w)
		}
		if i < 0 {
			if len(commands) == 0 { // a name, such as that of a monitor
				break
			}
			return nil, usage("%s has no command %q%s", path, w, wire.DidYouMean(w, cmdline.Names(commands)))
		}
		path, commands = path+" "+w, commands[i].Subcommands
	}
	return slices.Concat([]string{name}, words, []string{"--help"}), nil
}

// unknownCommand says what somebody may have meant by a word that is no command.
func unknownCommand(app *cli.App, word string) error {
	if instead, ok := otherWords()[word]; ok {
		return usage("%s is no command of netmon: %s", word, instead)
	}
	names := slices.Concat(cmdline.Names(app.Commands), listWords(), []string{"ping", "help"})
	if get := app.Command("get"); get != nil && slices.Contains(cmdline.Names(get.Subcommands), word) {
		return usage("%s is no command of netmon: netmon get %s", word, word)
	}
	if near := wire.DidYouMean(word, names); near != "" {
		return usage("unknown command %q%s netmon --help lists all commands", word, near)
	}
	return usage("unknown command %q: netmon --help lists all commands", word)
}

// suggesting adds to the error of a command that was not given one of its own commands
// which one may be meant.
func suggesting(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		err := action(c)
		if err == nil || c.NArg() == 0 || strings.Contains(err.Error(), "did you mean") {
			return err
		}
		if near := wire.DidYouMean(c.Args().First(), cmdline.Names(c.Command.Subcommands)); near != "" {
			return usage("%w%s", err, near)
		}
		return err
	}
}

// shorthandsOfPrompt are the words of other tools as the prompt knows its commands.
func shorthandsOfPrompt() (out []prompt.Command) {
	for _, word := range listWords() {
		out = append(out, prompt.Command{Names: []string{word}, Usage: "stands for get monitors", Takes: prompt.Monitors})
	}
	return append(out, prompt.Command{Names: []string{"ping"}, Usage: "stands for probe icmp", Takes: prompt.Target})
}
