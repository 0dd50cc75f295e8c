package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func accessAuthority() *cli.Command {
	return &cli.Command{
		Name:      "authority",
		ArgsUsage: cmdline.Nothing,
		Usage:     "see the mesh's own keys, and change all of them while it runs",
		UsageText: "netmon access authority [-o FORM]",
		Description: "The authority is what the broker's access folder holds: who has those files owns the\nmesh. Where somebody may have seen them, change them:\n\n" +
			"   netmon access authority            its fingerprint, and how far a change is\n   netmon access authority rotate     make other keys, and bring everybody over",
		Flags: []cli.Flag{brokerFlag(), outputFlag("text", "json")},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), "netmon access authority [rotate]")
			}
			form := c.String("output")
			if form != "" && form != "text" && form != "json" {
				return usage("-o: want text or json, got %q", form)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				s, err := cl.Authority(ctx, wire.AccessCommand{Op: wire.AccessAuthority})
				if err != nil {
					return err
				}
				if form == "json" {
					return output.JSON(c.App.Writer, s)
				}
				tellAuthority(c.App.Writer, s)
				return nil
			})
		},
		Subcommands: []*cli.Command{authorityRotate()},
	}
}

func authorityRotate() *cli.Command {
	return &cli.Command{
		Name:      "rotate",
		ArgsUsage: cmdline.Nothing,
		Usage:     "change all of the mesh's own keys while everybody stays",
		UsageText: "netmon access authority rotate [--without NAME | --without-missing | --abort]",
		Description: "The broker makes another authority, and agents and consoles that are in fetch it and\ntheir credentials from it. Once all have done so it takes over: the broker starts anew\nwithin a second or two, agents measure on, and the keys of before count nowhere. The command\nwaits for that; without it the change goes on as well. A person has it after any\ncommand. Who is missing is named, and stays out if you go on without.\n\n" +
			"   netmon access authority rotate\n   netmon access authority rotate --without tokyo     it joins anew later\n   netmon access authority rotate --abort",
		Flags: []cli.Flag{brokerFlag(),
			cmdline.Takes(cmdline.Identity, &cli.StringSliceFlag{Name: "without", Usage: "go on without the identity `NAME`, which then has to join anew; may be repeated"}),
			&cli.BoolFlag{Name: "without-missing", Usage: "go on without all who are missing now", DisableDefaultText: true},
			&cli.BoolFlag{Name: "abort", Usage: "give it up, before the switch", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
			}
			q := wire.AccessCommand{Op: wire.AccessAuthorityRotate, Without: c.StringSlice("without"), Missing: c.Bool("without-missing")}
			if c.Bool("abort") {
				if len(q.Without) > 0 || q.Missing {
					return usage("--abort: gives the change up, and goes on without nobody: leave the others out")
				}
				q = wire.AccessCommand{Op: wire.AccessAuthorityAbort}
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				s, err := cl.Authority(ctx, q)
				if err != nil {
					return err
				}
				if q.Op == wire.AccessAuthorityAbort {
					fmt.Fprintf(c.App.Writer, "given up: %s stays the authority\n", s.Pin)
					return nil
				}
				return awaitAuthority(ctx, c.App.Writer, c.App.ErrWriter, cl, s)
			})
		},
	}
}

const (
	authorityEvery = 500 * time.Millisecond
	// authorityAgain is how often it is said anew who is waited for.
	authorityAgain = 30 * time.Second
	// authorityComing is how long agents that are connected may take to come over.
	authorityComing = 30 * time.Second
)

func agentsIn(list []wire.Missing) bool {
	return slices.ContainsFunc(list, func(m wire.Missing) bool { return m.Role == wire.RoleAgent })
}

// awaitAuthority tells how far a change is until it is at its end, or ctx ends.
func awaitAuthority(ctx context.Context, out, progress io.Writer, cl *console.Client, s wire.AuthorityState) error {
	next, said, at, switched := s.Next, "", time.Time{}, time.Time{}
	fmt.Fprintf(progress, "the next authority is %s; Ctrl-C leaves the change going on, --abort gives it up\n", next)
	if s.Lines > 0 {
		fmt.Fprintf(progress, "join lines that were not used yet count no more after the switch: %d\n", s.Lines)
	}
	for {
		line := ""
		switch {
		case s.State == wire.AuthorityAnnounced && s.Next != next, s.State == wire.AuthoritySteady && s.Pin != next:
			return errors.New("the change was given up, or another one was begun")
		case s.State == wire.AuthorityAnnounced:
			line = fmt.Sprintf("%d of %d have it", s.Have, s.All-len(s.Without))
		case s.State == wire.AuthoritySwitched && (switched.IsZero() || time.Since(switched) < authorityComing && agentsIn(s.Missing)):
			if switched.IsZero() {
				switched = time.Now()
			}
			line = fmt.Sprintf("switched: %s is the authority; %d of %d are over", s.Pin, s.Have, s.All-len(s.Without))
		default:
			fmt.Fprintf(out, "%s is the authority, and %d of %d are over: keep a new backup, and remove those of before\n", s.Pin, s.Have, s.All-len(s.Without))
			if len(s.Missing) > 0 {
				fmt.Fprintf(out, "%s: they have it, and come over by themselves when they are there again; until then they believe the one before, too\n", namesOf(s.Missing))
			}
			tellWithout(out, s)
			return nil
		}
		if len(s.Missing) > 0 {
			line += "; not yet: " + namesOf(s.Missing)
		}
		if s.Problem != "" {
			line += "; " + console.Printable(s.Problem)
		}
		if line != said || time.Since(at) > authorityAgain {
			fmt.Fprintf(progress, "%s\n", line)
			said, at = line, time.Now()
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(progress, "the change goes on: netmon access authority tells how far it is")
			return nil
		case <-time.After(authorityEvery):
		}
		now, err := cl.Authority(ctx, wire.AccessCommand{Op: wire.AccessAuthority})
		switch {
		case err == nil:
			s = now
		case ctx.Err() != nil, passing(cl, err): // the broker starts anew
		default:
			return err
		}
	}
}

// passing says whether an error may be that the broker is about to come back.
func passing(cl *console.Client, err error) bool {
	return errors.Is(err, console.ErrUnreachable) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) || !cl.Connected()
}

const namesShown = 10

func namesOf(list []wire.Missing) string {
	var names []string
	for _, m := range list[:min(len(list), namesShown)] {
		names = append(names, fmt.Sprintf("%s (%s)", m.Name, m.Role))
	}
	if more := len(list) - namesShown; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func tellWithout(w io.Writer, s wire.AuthorityState) {
	if len(s.Without) > 0 {
		fmt.Fprintf(w, "not over, as it went on without them: %s: each needs a new line (netmon token new agent --id NAME --replace)\n", strings.Join(s.Without, ", "))
	}
}

func tellAuthority(w io.Writer, s wire.AuthorityState) {
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	fmt.Fprintf(w, "authority  %s\nmade       %s\n", s.Pin, day(s.Made))
	if s.Before != "" {
		fmt.Fprintf(w, "before     %s\n", s.Before)
	}
	switch s.State {
	case wire.AuthorityAnnounced:
		fmt.Fprintf(w, "next       %s\nbegun      %s by %s\nhave it    %d of %d\n", s.Next, day(s.Began), s.By, s.Have, s.All)
	case wire.AuthoritySwitched:
		fmt.Fprintf(w, "switched   begun %s by %s\nare over   %d of %d\n", day(s.Began), s.By, s.Have, s.All)
	}
	for _, m := range s.Missing {
		fmt.Fprintf(w, "not yet    %s (%s)\n", m.Name, m.Role)
	}
	for _, name := range s.Without {
		fmt.Fprintf(w, "without    %s\n", name)
	}
	if s.Lines > 0 {
		fmt.Fprintf(w, "lines      %d that were not used yet count no more after the switch\n", s.Lines)
	}
	if s.Problem != "" {
		fmt.Fprintf(w, "problem    %s\n", console.Printable(s.Problem))
	}
}
