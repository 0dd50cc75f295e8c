// Package policyfile reads the policy of an agent from the file of its host, or of
// its user.
package policyfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"netmon/agent/policy"
	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/internal/safeyaml"
	"netmon/internal/userdirs"
	"netmon/probes"
)

// Paths are where a policy is looked for: the host's comes first.
func Paths() []string {
	paths := []string{"/etc/netmon/policy.yaml"}
	if own := userdirs.Config("policy.yaml"); own != "" {
		paths = append(paths, own)
	}
	return paths
}

// Find reads the policy at path, or the one there is when that is "", and
// says which file it was, for an agent that measures these kinds. A file that is there and wrong is an error: an agent
// without its policy must not start.
func Find(path string, kinds probes.List) (p *policy.Policy, file string, err error) {
	if path != "" {
		p, err := read(path, kinds)
		return p, path, err
	}
	for _, path := range Paths() {
		p, err := read(path, kinds)
		if !errors.Is(err, fs.ErrNotExist) {
			return p, path, err
		}
	}
	p, err = policy.New(policy.Default(), kinds, "default")
	if err == nil {
		p.At(strings.Join(Paths(), " or "))
	}
	return p, "", err
}

func read(path string, kinds probes.List) (*policy.Policy, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, exit.Usage("policy: %w", err)
	}
	if err := private.Err(private.Trusted(path)); err != nil {
		return nil, exit.Usage("policy: whoever can write it decides what this agent may reach: %w", err)
	}
	data, err := safeyaml.ReadFile(path, nil)
	if err != nil {
		return nil, exit.Usage("policy: %w", err)
	}
	p, err := policy.Parse(path, data, kinds)
	if err != nil {
		return nil, exit.Usage("%w", err)
	}
	p.At(path)
	return p, nil
}
