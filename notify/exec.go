package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"netmon/internal/private"
	"netmon/wire"
)

// Exec runs a program of the folder that the notifier's policy names, with a Payload on
// its standard input.
type Exec struct {
	Program string        `json:"program" help:"its name in the folder that exec in the notifier's policy names"`
	Timeout wire.Duration `json:"timeout,omitempty" help:"after which it is killed, with all that it started"`
}

func execKind() Kind {
	return newKind("exec", "runs a program on the notifier's host, with JSON on its standard input", Exec{Timeout: wire.Duration(30 * time.Second)})
}

func (e *Exec) Validate() error {
	var p wire.Problems
	switch {
	case e.Program == "":
		p.Addf("program", "is missing: want the name of a program in the folder")
	case strings.ContainsAny(e.Program, "/\\\x00") || e.Program == "." || e.Program == ".." || Line(e.Program) != e.Program || len(e.Program) > 255:
		p.Addf("program", "want a name without /, got %q", wire.Clip(e.Program, wire.MaxText))
	}
	if e.Timeout.Std() < time.Second || e.Timeout.Std() > 50*time.Second {
		p.Addf("timeout", "want 1s to 50s, got %q", e.Timeout)
	}
	return p.Err()
}

// To is nowhere beyond this host.
func (e *Exec) To() []Text { return nil }

// ready implements [readier].
func (e *Exec) ready(folder string) error {
	_, err := e.path(folder)
	return err
}

// path is the program's, if it is one that may be run.
func (e *Exec) path(folder string) (string, error) {
	if folder == "" {
		return "", errors.New("the notifier's policy does not allow it: exec names no folder of programs")
	}
	path := filepath.Join(folder, e.Program)
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("program %q: it is not in the folder that exec in the notifier's policy names", e.Program)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("program %q: it is not a regular file", e.Program)
	case !executable(info):
		return "", fmt.Errorf("program %q: it may not be run (mode %04o)", e.Program, info.Mode().Perm())
	}
	if err := private.Err(private.Trusted(path)); err != nil {
		return "", fmt.Errorf("program %q: whoever can write it runs as this notifier: %w", e.Program, err)
	}
	return path, nil
}

// Answers of programs, as sysexits.h names them.
const (
	exitLater   = 75 // EX_TEMPFAIL
	exitNever   = 64 // EX_USAGE, the first of those that say that trying again is no use
	exitNeverTo = 78 // EX_CONFIG, the last
)

// maxOutput bounds what is kept from what a program writes, in bytes.
const maxOutput = 8 << 10

// Send runs the program. It has nothing of this process's environment but PATH and HOME;
// what it started is killed with it.
func (e *Exec) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	path, err := e.path(env.Exec)
	if err != nil {
		return Receipt{}, err
	}
	input, err := encodeJSON(payloadOf(m))
	if err != nil {
		return Receipt{}, Refuse("encode: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, e.Timeout.Std())
	defer cancel()
	cmd := exec.CommandContext(ctx, path) // #nosec G204 -- of the folder that the host's owner names, without arguments
	cmd.Dir, cmd.Env = env.Exec, programEnv(m)
	cmd.Stdin = bytes.NewReader(append(input, '\n'))
	var out, complaint clipped
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = 2 * time.Second // for what it started and left behind
	killWithChildren(cmd)
	err = cmd.Run()
	killChildren(cmd)
	answer := firstLine(out.String())
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success():
		return Receipt{Answer: strings.TrimSpace("exit 0 " + answer)}, nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return Receipt{}, fmt.Errorf("program %s was killed after %v", e.Program, e.Timeout)
	case errors.As(err, &exit):
		said := firstLine(complaint.String())
		if said == "" {
			said = answer
		}
		err := fmt.Errorf("program %s: %s: %s", e.Program, exit.ProcessState, said)
		if code := exit.ExitCode(); code >= exitNever && code <= exitNeverTo && code != exitLater {
			return Receipt{}, &Refusal{err}
		}
		return Receipt{}, err
	}
	return Receipt{}, fmt.Errorf("program %s: %w", e.Program, err)
}

// programEnv is all that a program gets of an environment.
func programEnv(m *Message) []string {
	out := []string{
		"NETMON_KEY=" + m.Key(), "NETMON_REASON=" + string(m.Notice.Reason), "NETMON_CHANNEL=" + m.Notice.Channel, "NETMON_INCIDENT=" + m.Incident.ID,
		"NETMON_STATE=" + string(m.Incident.State), "NETMON_SEVERITY=" + string(m.Incident.Severity), "NETMON_MESH=" + Line(m.Mesh),
	}
	for _, name := range []string{"PATH", "HOME", "LANG", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	slices.Sort(out)
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return wire.Clip(Line(line), wire.MaxText)
}

// clipped keeps the first bytes that are written to it.
type clipped struct{ bytes.Buffer }

func (c *clipped) Write(p []byte) (int, error) {
	if room := maxOutput - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
