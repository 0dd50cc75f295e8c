// Package policyfile reads the policy of a notifier from the file of its host, or of its
// user.
package policyfile

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/internal/safeyaml"
	"netmon/internal/userdirs"
	"netmon/notify/policy"
)

// Paths are where a policy is looked for: the host's comes first.
func Paths() []string {
	paths := []string{"/etc/netmon/notifier.yaml"}
	if own := userdirs.Config("notifier.yaml"); own != "" {
		paths = append(paths, own)
	}
	return paths
}

// Find reads the policy at path, or the one there is when that is "", and says which
// file it was. A file that is there and wrong is an error: a notifier without its policy
// must not start. Where loopback says so, channels may reach this host.
func Find(path string, loopback bool) (p *policy.Policy, file string, err error) {
	if path != "" {
		p, err := read(path, loopback)
		return p, path, err
	}
	for _, path := range Paths() {
		p, err := read(path, loopback)
		if !errors.Is(err, fs.ErrNotExist) {
			return p, path, err
		}
	}
	p, err = policy.Parse("", nil, loopback)
	if err == nil {
		p.At(strings.Join(Paths(), " or "))
	}
	return p, "", err
}

func read(path string, loopback bool) (*policy.Policy, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, exit.Usage("notifier's policy: %w", err)
	}
	if err := private.Err(private.Trusted(path)); err != nil {
		return nil, exit.Usage("notifier's policy: whoever can write it decides where secrets may go: %w", err)
	}
	data, err := safeyaml.ReadFile(path, nil)
	if err != nil {
		return nil, exit.Usage("notifier's policy: %w", err)
	}
	p, err := policy.Parse(path, data, loopback)
	if err != nil {
		return nil, exit.Usage("%w", err)
	}
	p.At(path)
	return p, nil
}
