package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func applyCommand() *cli.Command {
	return &cli.Command{
		Name:        "apply",
		ArgsUsage:   cmdline.Files,
		Usage:       "make the saved monitors as files say",
		UsageText:   "netmon apply -f FILE [-f FILE|FOLDER|-]... [--prune]",
		Description: "Saves what is new or different and tells the agents. Monitors that stand in no\nfile stay as they are, unless --prune is given. Nothing is changed unless all\nfiles are right.",
		Flags:       []cli.Flag{brokerFlag(), fileFlag(), pruneFlag()},
		Action: func(c *cli.Context) error {
			monitors, err := monitorsFromFlag(c)
			if err != nil {
				return err
			}
			warnPlain(c.App.ErrWriter, monitors...)
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				return applyAs(ctx, c.App.Writer, c.App.ErrWriter, cl, monitors, "applied from a file", c.Bool("prune"))
			})
		},
	}
}

func fileFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "`FILE`, a folder of *.yaml, or - for standard input; may be repeated"})
}

func monitorsFromFlag(c *cli.Context) ([]wire.Saved, error) {
	paths := append(c.StringSlice("file"), c.Args().Slice()...)
	if len(paths) == 0 {
		return nil, usage("which file? %s", c.Command.UsageText)
	}
	return loadMonitors(paths, c.App.Reader)
}

// saved counts what apply did.
type saved struct {
	added, changed, same int
	changes              []console.Change
}

// save writes what is new or different in files, several at a time.
func save(ctx context.Context, store *console.Store, monitors []wire.Saved, done func(name, word string)) (saved, error) {
	return saveAs(ctx, store, monitors, "applied from a file", done)
}

// saveAs is save with the words for what is done.
func saveAs(ctx context.Context, store *console.Store, monitors []wire.Saved, change string, done func(name, word string)) (saved, error) {
	var s saved
	current, err := store.List(ctx)
	if err != nil {
		return s, err
	}
	byName := map[string]*wire.Saved{}
	for i := range current {
		byName[current[i].Name] = &current[i]
	}
	var mu sync.Mutex
	var first error
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range monitors {
		m := monitors[i]
		m.Monitor = m.Monitor.WithDefaults()
		old := byName[m.Name]
		if old != nil && console.Same(*old, m) {
			s.same++
			continue
		}
		word := "added"
		if old != nil {
			word, m.Revision = "changed", old.Revision
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			revision, err := store.Save(ctx, m, change)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if first == nil {
					first = err
				}
				return
			}
			if old == nil {
				s.added++
			} else {
				s.changed++
			}
			s.changes = append(s.changes, console.Change{Was: old, Is: &m, Revision: revision})
			done(m.Name, word)
		})
	}
	wg.Wait()
	return s, first
}

// wordy is how many changes are still told one by one.
const wordy = 50

// applyAs saves monitors, with the words for what is done, and tells the
// agents. Data goes to w, progress to talk.
func applyAs(ctx context.Context, w, talk io.Writer, cl *console.Client, monitors []wire.Saved, change string, prune bool) error {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return err
	}
	n := 0
	s, err := saveAs(ctx, store, monitors, change, func(name, word string) {
		n++
		switch {
		case len(monitors) <= wordy:
			fmt.Fprintf(w, "%s %s\n", name, word)
		case isTerminal(talk) && n%100 == 0:
			fmt.Fprintf(talk, "\rsaved %d of %d", n, len(monitors))
		}
	})
	if len(monitors) > wordy && isTerminal(talk) {
		fmt.Fprint(talk, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	deleted := 0
	if prune {
		if deleted, err = s.prune(ctx, w, store, monitors); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d added, %d changed, %d as they were", s.added, s.changed, s.same)
	if prune {
		fmt.Fprintf(w, ", %d deleted", deleted)
	}
	fmt.Fprintln(w)
	if len(s.changes) == 0 {
		return nil
	}
	return tell(ctx, w, cl, store, s.changes...)
}

// prune deletes the saved monitors that are not among those of the files.
func (s *saved) prune(ctx context.Context, w io.Writer, store *console.Store, monitors []wire.Saved) (deleted int, err error) {
	wanted := map[string]bool{}
	for _, m := range monitors {
		wanted[m.Name] = true
	}
	list, err := store.List(ctx)
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		if wanted[m.Name] {
			continue
		}
		revision, err := store.Delete(ctx, m.Name, m.Revision)
		if err != nil {
			return deleted, err
		}
		fmt.Fprintf(w, "%s deleted\n", m.Name)
		s.changes = append(s.changes, console.Change{Was: &m, Revision: revision})
		deleted++
	}
	return deleted, nil
}
