package exec

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// Probe runs a program once and takes its exit code for the verdict. No shell is
// involved: each argument reaches the program as it is written.
type Probe struct {
	probes.Common
	Args   []string          `json:"args,omitempty" secret:"text" help:"arguments of the program, each as it is: no shell reads them; they hold no secrets, since others on the host can see them"`
	Env    map[string]string `json:"env,omitempty" secret:"text" help:"environment variables beside PATH, LANG and LC_ALL; values may hold secrets as references; an agent's policy lists the names in exec.env"`
	Stdin  string            `json:"stdin,omitempty" secret:"text" help:"text that the program reads from its standard input; it may hold secrets as references; default: nothing"`
	Expect Expect            `json:"expect,omitzero"`
}

// Expect is what the program must report.
type Expect struct {
	Status   string            `json:"status,omitempty" enum:"ok,warning" help:"worst status that is ok: ok (exit code 0) or warning (exit code 1); default: ok"`
	Perfdata map[string]string `json:"perfdata,omitempty" help:"range that a value of the performance data must be in, by its label: 10 (0 to 10), 10:20, 10: (10 and more), ~:20 (20 and less), @10:20 (not 10 to 20), in the unit that the program writes"`
}

const (
	maxTarget   = 1024     // bytes of a program's path
	maxArg      = 4096     // bytes of one argument, and of one variable's value
	maxStdin    = 16 << 10 // bytes
	maxOutput   = 64 << 10 // bytes of output that are read
	maxFlood    = 1 << 20  // bytes of output that end the program
	maxStderr   = 4 << 10  // bytes of the error output that are read
	maxMessage  = 1000     // bytes of the message in the result
	maxText     = 4 << 10  // bytes of the lines after the message in the result
	maxPerfdata = 100      // values in the result
	maxLabel    = 100      // bytes of a value's label
)

// Kinds returns the kind.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "exec", Target: "/PATH/OF/PROGRAM", Example: "/usr/lib/nagios/plugins/check_disk",
			Doc:     "runs a program, such as a Nagios plugin, and reads its verdict",
			Main:    []string{"args", "expect.status", "env", "within"},
			Without: []string{"family", "addresses", "source", "resolver", "invert"}, // the program chooses what to reach, and how
			Limits:  limits,
			Metrics: metrics(),
		}, func() Probe { return Probe{} }),
	}
}

// variable is the name of an environment variable that any program can read.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}$`)

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	problems.Add("target", checkPath(target))
	for i, a := range p.Args {
		at := fmt.Sprintf("args[%d]", i)
		problems.Add(at, checkText(a, maxArg))
		if probes.NamesSecret(a) {
			problems.Addf(at, "must not name a secret, got %q: everybody on the host can read arguments; pass it in env or stdin", figures.Clip(a))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		if !variable.MatchString(name) {
			problems.Addf("env", "want names of letters, digits and underscores, got %q", figures.Clip(name))
			continue
		}
		problems.Add("env."+name, checkText(p.Env[name], maxArg))
	}
	problems.Add("stdin", checkText(p.Stdin, maxStdin))
	problems.Add("expect", p.Expect.validate())
	return problems.Err()
}

// checkPath says why a target is not the path of a program, by the rules of the hosts
// that have such programs, whatever system this is.
func checkPath(target string) error {
	switch {
	case len(target) > maxTarget:
		return fmt.Errorf("want at most %d bytes, got %d", maxTarget, len(target))
	case !strings.HasPrefix(target, "/"):
		hint := ""
		if strings.ContainsAny(target, " \t") {
			hint = "; arguments go into the option args, one by one"
		}
		return fmt.Errorf("want the absolute path of a program, such as /usr/lib/nagios/plugins/check_disk, got %q%s", figures.Clip(target), hint)
	case path.Clean(target) != target || target == "/":
		return fmt.Errorf("want a path without . and .., and without a slash twice or at its end, got %q", figures.Clip(target))
	case !utf8.ValidString(target) || strings.ContainsFunc(target, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return fmt.Errorf("want a path without control characters, got %q", figures.Clip(target))
	}
	return nil
}

// checkText says why a text cannot be handed to a program.
func checkText(s string, most int) error {
	switch {
	case len(s) > most:
		return fmt.Errorf("want at most %d bytes, got %d", most, len(s))
	case strings.ContainsRune(s, 0):
		return fmt.Errorf("want a text without NUL bytes, got %q", figures.Clip(s))
	}
	return nil
}

func (e Expect) validate() error {
	var problems wire.Problems
	switch e.Status {
	case "", statusOK, statusWarning:
	default:
		problems.Addf("status", "want %s or %s, got %q", statusOK, statusWarning, e.Status)
	}
	for _, label := range slices.Sorted(maps.Keys(e.Perfdata)) {
		if _, err := parseRange(e.Perfdata[label]); err != nil {
			problems.Add("perfdata."+label, err)
		}
	}
	return problems.Err()
}

// Ready says why this process runs no programs: by its system, or by its owner.
func (p Probe) Ready(env *probes.Env) error {
	if err := possible(); err != nil {
		return err
	}
	return env.ProgramsAllowed()
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	return probes.Footprint{Probes: 1, Program: probes.Program{Path: target, Env: slices.Sorted(maps.Keys(p.Env))}}
}
