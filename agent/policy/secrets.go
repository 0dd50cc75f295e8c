package policy

import (
	"errors"

	"netmon/internal/reach"
)

// Secret reads what a reference of a monitor names, from the places that the
// policy lists. It is a [probes.Env]'s Secret.
func (p *Policy) Secret(kind, name string) (string, error) {
	secrets := reach.Secrets{Env: p.file.Secrets.Env, Files: p.file.Secrets.Files}
	v, err := secrets.Read(kind, name)
	var not *reach.NotListedError
	switch {
	case errors.As(err, &not):
		return "", refuse("%s", not.Why)
	case errors.Is(err, reach.ErrNotSet):
		return "", errors.New("the variable is not set on this agent")
	}
	return v, err
}
