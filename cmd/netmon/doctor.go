package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/probes"
)

// finding is one thing that doctor looked at.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warning, problem or unknown
	Found string `json:"found"`
	Cure  string `json:"cure,omitempty"`
}

// States of a finding. A warning leaves netmon working, a problem does not.
const (
	doctorOK      = "ok"
	doctorWarning = "warning"
	doctorProblem = "problem"
	doctorUnknown = "unknown"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Usage:       "say what this host can do and what is wrong, each with its cure",
		UsageText:   "netmon doctor [--broker URL] [-o FORM]",
		Description: "Looks at this host, at the broker and at the agents. Exit 0: fine, perhaps with\nwarnings, 1: something is wrong.",
		Flags:       []cli.Flag{brokerFlag(), outputFlag("text (default), " + strings.ReplaceAll(listForms, " (default)", ""))},
		Before:      decideForDoctor,
		Action: func(c *cli.Context) error {
			form := c.String("output")
			if form != "text" {
				if err := checkForm(c); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(c.Context, 20*time.Second)
			defer cancel()
			creds := c.StringSlice("creds")
			if len(creds) == 0 {
				creds = filepath.SplitList(os.Getenv("NETMON_CREDS"))
			}
			list := append(examineHost(), examineSecrets(keysOf(creds))...)
			if c.App.Metadata[refusedKey] != nil {
				list = append(list, finding{"mesh", doctorUnknown, "not looked at: the credentials that lead to it are refused", ""})
			} else {
				list = append(list, examineMesh(ctx, endpointOf(c))...)
			}
			if c.Context.Err() != nil {
				return context.Canceled
			}
			if err := printFindings(c, form, list); err != nil {
				return err
			}
			for _, f := range list {
				if f.State == doctorProblem {
					return &codedError{exitNo, nil}
				}
			}
			return nil
		},
	}
}

func printFindings(c *cli.Context, form string, list []finding) error {
	if form != "" && form != "text" {
		return printList(c, listing[finding]{kind: "Findings", items: list,
			name: func(f finding) string { return f.Check },
			columns: []column[finding]{
				{"CHECK", func(f finding) string { return f.Check }},
				{"STATE", func(f finding) string { return f.State }},
				{"FOUND", func(f finding) string { return f.Found }},
				{"CURE", func(f finding) string { return f.Cure }},
			}})
	}
	st := styles(c.App.Writer)
	wide := 0
	for _, f := range list {
		wide = max(wide, len(f.Check))
	}
	for _, f := range list {
		mark, colour := "?", st.Broken
		switch f.State {
		case doctorOK:
			mark, colour = "●", st.OK
		case doctorWarning:
			mark = "▲"
		case doctorProblem:
			mark, colour = "✕", st.Failed
		}
		fmt.Fprintf(c.App.Writer, "%s%s %-7s%s  %-*s  %s\n", colour, mark, f.State, st.Reset, wide, f.Check, console.Printable(f.Found))
		if f.Cure != "" {
			fmt.Fprintf(c.App.Writer, "%*s  → %s\n", wide+11, "", console.Printable(f.Cure))
		}
	}
	return nil
}

// examineHost needs no broker.
func examineHost() []finding {
	list := []finding{{"netmon", doctorOK, fmt.Sprintf("%s, %s, %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH), ""}}
	env := &probes.Env{}
	defer env.Close()
	for _, k := range probes.Kinds {
		if err := k.Ready(env); err != nil {
			what, cure, _ := strings.Cut(err.Error(), ": ")
			if cure == "" {
				what, cure = "this process may not measure it", err.Error()
			}
			list = append(list, finding{k.Name, doctorProblem, what, cure})
		}
	}
	if len(list) == 1 {
		list = append(list, finding{"kinds", doctorOK, "this process may measure " + probes.Names(), ""})
	}
	return append(list, examineFiles(), examineState(stateDir()), examinePolicy(), examineClock())
}

// examinePolicy reads the policy that an agent of this user would go by.
func examinePolicy() finding {
	p, file, err := findPolicy("")
	switch {
	case err != nil:
		return finding{"policy", doctorProblem, fmt.Sprintf("an agent would not start here: %v", err), "mend it: netmon policy tells each mistake"}
	case file == "":
		return finding{"policy", doctorOK, "no file: agents deny cloud metadata and link-local addresses, allow the rest, and send secrets nowhere", ""}
	}
	return finding{"policy", doctorOK, file + ": " + console.PolicyText(p.Summary()), ""}
}

func examineClock() finding {
	synchronised, maxError, ok := probes.LocalClock()
	switch {
	case !ok:
		return finding{"clock", doctorUnknown, "this kernel does not tell whether something keeps the clock to the time", ""}
	case !synchronised:
		return finding{"clock", doctorWarning, "nothing keeps this host's clock to the time, as far as the kernel knows",
			"run chrony, ntpd or systemd-timesyncd; intervals are measured right all the same, times of day may not be"}
	}
	return finding{"clock", doctorOK, fmt.Sprintf("kept to the time, off by at most %s says the kernel", console.Short(maxError)), ""}
}

// enoughFiles is what an agent with a thousand connections at once needs, with room.
const enoughFiles = 4096

func examineFiles() finding {
	n, ok := fileLimit()
	switch {
	case !ok:
		return finding{"files", doctorUnknown, "this system does not tell how many files a process may open", ""}
	case n < enoughFiles:
		return finding{"files", doctorWarning, fmt.Sprintf("this process may open %d files at once", n),
			fmt.Sprintf("for many monitors: ulimit -n %d, or LimitNOFILE=%d in the systemd unit", 16*enoughFiles, 16*enoughFiles)}
	}
	return finding{"files", doctorOK, fmt.Sprintf("this process may open %d files at once", n), ""}
}

// examineState tries to write where an agent would, and leaves nothing there.
func examineState(dir string) finding {
	if dir == "" {
		return finding{"state", doctorProblem, "neither HOME nor XDG_STATE_HOME is set: this user has no folder of its own", "set one of them, or give folders by --state and --store"}
	}
	at := dir
	for { // a folder that is not there yet is made in its nearest parent
		if _, err := os.Stat(at); err == nil || !errors.Is(err, os.ErrNotExist) || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	f, err := os.CreateTemp(at, ".netmon-*")
	if err != nil {
		return finding{"state", doctorProblem, fmt.Sprintf("%s cannot be written: %v", dir, err),
			"let this user write there, or give another folder by --state and --store, or XDG_STATE_HOME"}
	}
	_, err = f.Write([]byte("x"))
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return finding{"state", doctorProblem, fmt.Sprintf("%s cannot be written: %v", dir, err), "make room on its disk"}
	}
	return finding{"state", doctorOK, dir + " can be written", ""}
}
