package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"netmon/internal/private"
	"netmon/probes"
	"netmon/wire"
)

// Exec says which programs of the host monitors may run. Networks do not bind a program:
// who may run one reaches what it reaches.
type Exec struct {
	Folders    []string `json:"folders,omitempty" help:"folders whose programs monitors of kind exec may run, with any arguments, as absolute paths; default: none, so that no program runs"`
	Programs   []string `json:"programs,omitempty" help:"names of the programs in these folders that may run, * stands for any part; default: all"`
	Env        []string `json:"env,omitempty" help:"names of environment variables that monitors may set for programs, * stands for any part; default: none"`
	Secrets    bool     `json:"secrets,omitempty" help:"whether monitors may hand secrets to programs, which may send them anywhere: secrets.targets does not bind them; default: no"`
	MaxRunning int      `json:"max_running,omitempty" help:"most programs that run at once, 1 to 1024; default: 32"`
}

const mostRunning = 1024

// check notes every mistake.
func (e *Exec) check(problems *wire.Problems) {
	for i, dir := range e.Folders {
		if !path.IsAbs(dir) || path.Clean(dir) != dir || dir == "/" {
			problems.Addf(fmt.Sprintf("exec.folders[%d]", i), "want a folder as an absolute path without . and .., such as /usr/lib/nagios/plugins, got %q", dir)
		}
	}
	for i, pattern := range e.Programs {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" || strings.Contains(pattern, "/") {
			problems.Addf(fmt.Sprintf("exec.programs[%d]", i), "want the name of a program in one of the folders, such as check_*, got %q", pattern)
		}
	}
	for i, pattern := range e.Env {
		at := fmt.Sprintf("exec.env[%d]", i)
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			problems.Addf(at, "want the name of a variable, such as SNMP_*, got %q", pattern)
			continue
		}
		if name := loaderOf(pattern); name != "" {
			problems.Addf(at, "%q lets monitors set %s, by which they could have code of their own run, or files read and written that they choose: name the variables that the programs need", pattern, name)
		}
	}
	if e.MaxRunning < 0 || e.MaxRunning > mostRunning {
		problems.Addf("exec.max_running", "want 1 to %d, got %d", mostRunning, e.MaxRunning)
	}
	if len(e.Folders) == 0 && (len(e.Programs) > 0 || len(e.Env) > 0 || e.Secrets || e.MaxRunning > 0) {
		problems.Addf("exec.folders", "is missing, so that no program runs: name the folders of the programs, such as /usr/lib/nagios/plugins")
	}
}

// listed says whether a name is one of these patterns, which were checked.
func listed(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// MaxPrograms is how many programs may run at once; 0 is the usual number. It is a
// [probes.Env]'s Programs.
func (p *Policy) MaxPrograms() int { return p.file.Exec.MaxRunning }

// Program says whether a monitor may run a program, and which file that is. It is a
// [probes.Env]'s Program.
func (p *Policy) Program(want probes.Program) (string, error) {
	if err := p.checkProgram(want); err != nil || want.Path == "" {
		return "", err
	}
	real, err := filepath.EvalSymlinks(want.Path)
	if errors.Is(err, fs.ErrNotExist) {
		// Nothing of it was checked: one that comes just now is not for this run.
		return "", probes.Broken(wire.BrokenProgram, "start %s: no such file or directory: install it on the agent's host, or run the monitor on agents that have it", want.Path)
	}
	if err != nil {
		return "", refuse("exec: %v", err)
	}
	inside := slices.ContainsFunc(p.file.Exec.Folders, func(dir string) bool {
		folder, err := filepath.EvalSymlinks(dir)
		return err == nil && within(folder, real)
	})
	if !inside {
		return "", refuse("exec.folders: the program is a link that leads out of these folders: put the program itself into one, or list the folder that it is in")
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return "", refuse("exec: %v", err)
	case !info.Mode().IsRegular():
		return "", refuse("exec: the program is not a regular file")
	}
	if err := private.Err(private.Program(real)); err != nil {
		return "", refuse("exec: whoever can replace the program runs their own as this agent: %v", err)
	}
	return real, nil
}

// checkProgram is what is known of a program before it runs. The file itself is looked at
// before each run: it may come later, or change.
func (p *Policy) checkProgram(want probes.Program) error {
	e := &p.file.Exec
	none := func(folder string) error {
		return refuse("this agent runs no programs: to allow those of a folder, write exec: {folders: [%s]} into %s on the agent's host, and restart the agent", folder, p.at)
	}
	var problems wire.Problems
	switch off := len(e.Folders) == 0; {
	case want.Path == "" && off:
		return none("FOLDER")
	case want.Path == "":
		return nil
	case off:
		problems.Add("target", none(path.Dir(want.Path)))
		return problems.Err()
	}
	if path.Clean(want.Path) != want.Path || !slices.ContainsFunc(e.Folders, func(dir string) bool { return within(dir, want.Path) }) {
		problems.Add("target", refuse("exec.folders does not have its folder: to allow it, add %s to that list in %s on the agent's host, and restart the agent", path.Dir(want.Path), p.at))
	} else if e.Programs != nil && !listed(e.Programs, path.Base(want.Path)) {
		problems.Add("target", refuse("exec.programs does not have %q: to allow it, add it to that list in %s on the agent's host, and restart the agent", path.Base(want.Path), p.at))
	}
	for _, name := range want.Env {
		if !listed(e.Env, name) {
			problems.Add("options.env."+name, refuse("exec.env does not have %q: to allow it, add it to that list in %s on the agent's host, and restart the agent", name, p.at))
		}
	}
	if want.Secrets && !e.Secrets {
		problems.Add("options", refuse("exec.secrets is off, and the monitor names secrets: the programs may send them anywhere; to allow it, write secrets: true below exec in %s on the agent's host, and restart the agent", p.at))
	}
	return problems.Err()
}

// within says whether a path is below a folder. Both are clean.
func within(folder, name string) bool {
	return strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}
