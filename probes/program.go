package probes

import (
	"errors"
	"path/filepath"

	"netmon/wire"
)

// DefaultPrograms is how many programs of monitors run at once, unless the owner of the
// process says otherwise: see [Env.Programs].
const DefaultPrograms = 32

// Program asks the owner of the process, see [Env.Program], whether the run may start
// a program, whose variables are env, and returns the path to start.
func (r *Run) Program(path string, env []string) (string, error) {
	if r.Env == nil || r.Env.Program == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real, nil
		}
		return path, nil // whoever starts it reports why that is not possible
	}
	real, err := r.Env.Program(Program{Path: path, Env: env, Secrets: r.named || len(r.secrets) > 0})
	var e *Error
	if errors.As(err, &e) {
		return "", err
	}
	if err != nil {
		return "", Broken(wire.BrokenPolicy, "%w", err)
	}
	return real, nil
}

// ProgramsAllowed says why no program at all may be started, nil when some may.
func (e *Env) ProgramsAllowed() error {
	if e == nil || e.Program == nil {
		return nil
	}
	_, err := e.Program(Program{})
	return err
}
