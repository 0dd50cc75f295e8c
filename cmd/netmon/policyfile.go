package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/agent/policy"
	"netmon/internal/private"
	"netmon/internal/safeyaml"
)

func policyFlag() cli.Flag {
	return &cli.StringFlag{Name: "policy", EnvVars: []string{"NETMON_POLICY"},
		Usage: "`FILE` that says what commands may have measured here (default: the first there is of " + strings.Join(policyPaths(), ", ") + "; else a policy that denies cloud metadata and link-local addresses)"}
}

// policyPaths are where a policy is looked for: the host's comes first.
func policyPaths() []string {
	paths := []string{"/etc/netmon/policy.yaml"}
	if own := configDir("policy.yaml"); own != "" {
		paths = append(paths, own)
	}
	return paths
}

// findPolicy reads the policy at path, or the one there is when that is "", and
// says which file it was. A file that is there and wrong is an error: an agent
// without its policy must not start.
func findPolicy(path string) (p *policy.Policy, file string, err error) {
	if path != "" {
		p, err := readPolicy(path)
		return p, path, err
	}
	for _, path := range policyPaths() {
		p, err := readPolicy(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return p, path, err
		}
	}
	p, err = policy.New(policy.Default(), "default")
	if err == nil {
		p.At(strings.Join(policyPaths(), " or "))
	}
	return p, "", err
}

func readPolicy(path string) (*policy.Policy, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, usage("policy: %w", err)
	}
	if err := private.Err(private.Trusted(path)); err != nil {
		return nil, usage("policy: who writes it says what this agent may reach: %w", err)
	}
	data, err := safeyaml.ReadFile(path, nil)
	if err != nil {
		return nil, usage("policy: %w", err)
	}
	p, err := policy.Parse(path, data)
	if err != nil {
		return nil, usage("%w", err)
	}
	p.At(path)
	return p, nil
}
