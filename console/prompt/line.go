package prompt

import (
	"fmt"
	"slices"
	"strings"

	"netmon/console/words"
)

// promptWords are those that only the prompt knows.
var promptWords = []string{"help", "quit", "exit", "results", "broker"}

type doing int

const (
	doNothing doing = iota
	doRun           // a command of the program, args
	doFlow          // add a monitor step by step; args may name the kind
	doHelp          // about args, or about all
	doResults       // choose what streams
	doQuit
)

// action is what a line asks for.
type action struct {
	do   doing
	args []string
	mode Mode
}

// parse reads a line. Its error says what is wrong with it, and nothing is done then.
func parse(line string, list []Command) (action, error) {
	tokens, err := words.Split(line)
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
			return action{do: doRun, args: []string{"get", "broker"}}, nil
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
		return action{}, fmt.Errorf("%s runs until it is stopped: start it in a shell of its own", args[0])
	}
	return action{do: doRun, args: args}, nil
}

func isHelp(s string) bool { return s == "--help" || s == "-h" }

// unknown says that there is no such command, and which one may be meant.
func unknown(word string, list []Command) error {
	for _, name := range append(commandNames(list), promptWords...) {
		if near(word, name) {
			return fmt.Errorf("unknown command %q: did you mean %s? ? lists them", word, name)
		}
	}
	return fmt.Errorf("unknown command %q: ? lists them", word)
}

// near says whether one letter more, less, other or swapped parts two words.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || len(b) < 3 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return i < len(a) && (a[i+1:] == b[i+1:] ||
		i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:])
}
