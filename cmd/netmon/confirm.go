package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"netmon/internal/exit"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func yesFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do it without asking", DisableDefaultText: true},
		&cli.BoolFlag{Name: "no-input", Usage: "never ask: where a question would come, stop", DisableDefaultText: true},
	}
}

// confirm asks a person whether to continue. Where nobody can answer, that is
// wrong use: a script has to say --yes.
func confirm(c *cli.Context, question string) error {
	if c.Bool("yes") {
		return nil
	}
	in, ok := c.App.Reader.(*os.File)
	if c.Bool("no-input") || !ok || !term.IsTerminal(int(in.Fd())) {
		return usage("%s: nothing is changed; add --yes to do it", question)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s? [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // Ctrl-C does not wait for the end of a line
		line, _ := bufio.NewReader(in).ReadString('\n')
		answer <- line
	}()
	a := ""
	select {
	case <-c.Context.Done():
	case a = <-answer:
	}
	if c.Context.Err() != nil { // also where an answer came with it
		fmt.Fprintln(c.App.ErrWriter)
		return context.Canceled
	}
	switch strings.ToLower(strings.TrimSpace(a)) {
	case "y", "yes":
		return nil
	}
	return exit.With(exitNo, fmt.Errorf("nothing is changed"))
}
