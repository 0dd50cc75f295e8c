package prompt

import (
	"fmt"
	"slices"
	"strings"

	"netmon/console/shellwords"
	"netmon/wire"
)

// promptWords are those that only the prompt knows.
var promptWords = []string{"help", "quit", "exit", "results", "broker"}

type doing int

const (
	doNothing doing = iota
	doExecute       // a command of the program, args
	doFlow          // add a monitor step by step; args may name the kind
	doHelp          // about args, or all commands
	doResults       // choose what streams
	doQuit
)

// action is what a line asks for.
type action struct {
	do   doing
	args []string
	mode Mode
}

// parse reads a line. Its error says what is wrong with the line.
func parse(line string, list []Command) (action, error) {
	tokens, err := shellwords.Split(line)
	if err != nil {
		return action{}, fmt.Errorf("%w: %s", err, line)
	}
	if len(tokens) > 1 && tokens[0].Text == "netmon" { // pasted from a document
		tokens = tokens[1:]
	}
	args := Expand(tokens, list)
	if len(args) == 0 {
		return action{}, nil
	}
	switch rest := args[1:]; args[0] {
	case "quit", "exit":
		return action{do: doQuit}, nil
	case "help", "?":
		return action{do: doHelp, args: rest}, nil
	case "results":
		mode, err := ParseMode(strings.Join(rest, " "))
		return action{do: doResults, mode: mode}, err
	case "broker":
		if len(rest) == 0 {
			return action{do: doExecute, args: []string{"get", "broker"}}, nil
		}
	case "add":
		c := find(list, "add")
		if len(rest) == 0 || len(rest) == 1 && c != nil && find(c.Sub, rest[0]) != nil {
			return action{do: doFlow, args: rest}, nil
		}
	}
	if c := find(list, args[0]); c == nil {
		return action{}, unknown(args[0], list)
	}
	if slices.Contains([]string{"up", "broker", "agent", "controller", "console"}, args[0]) && !slices.ContainsFunc(args, isHelp) {
		return action{}, fmt.Errorf("%s runs until you stop it: start it in another shell", args[0])
	}
	return action{do: doExecute, args: args}, nil
}

func isHelp(s string) bool { return s == "--help" || s == "-h" }

// unknown is the error for a command that does not exist. It suggests a similar one.
func unknown(word string, list []Command) error {
	if hint := wire.DidYouMean(word, append(commandNames(list), promptWords...)); hint != "" {
		return fmt.Errorf("unknown command %q%s ? lists them", word, hint)
	}
	return fmt.Errorf("unknown command %q: ? lists them", word)
}
