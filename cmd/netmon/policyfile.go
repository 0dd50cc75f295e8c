package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/agent/policy"
	"netmon/internal/private"
	"netmon/internal/safeyaml"
	"netmon/wire"
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
	p, err := parsePolicy(path, data)
	if err != nil {
		return nil, usage("%w", err)
	}
	p.At(path)
	return p, nil
}

// parsePolicy reads a policy. The error holds every mistake with its line. An
// empty file is the default policy.
func parsePolicy(path string, data []byte) (*policy.Policy, error) {
	tree, err := safeyaml.Parse(data)
	if err != nil {
		return nil, safeyaml.SyntaxError(path, err)
	}
	src := safeyaml.NewSource(path, data)
	file := policy.Default()
	docs := tree.Docs
	for len(docs) > 0 && docs[0].Body == nil {
		docs = docs[1:]
	}
	switch len(docs) {
	case 0:
		return policy.New(file, "file")
	case 1:
	default:
		return nil, fmt.Errorf("%s: want one YAML document, got %d", path, len(docs))
	}
	body := docs[0].Body
	raw, err := safeyaml.JSON(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var problems wire.Problems
	problems.Add("", wire.DecodeStrict(raw, &file))
	p, err := policy.New(file, "file")
	problems.Add("", err)
	told := map[string]bool{}
	for _, e := range wire.FieldErrors(problems.Err()) {
		if !told[e.Path] {
			told[e.Path] = true
			src.Add(body, e.Path, e.Err)
		}
	}
	return p, src.Err()
}
