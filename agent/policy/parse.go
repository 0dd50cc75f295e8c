package policy

import (
	"netmon/internal/safeyaml"
	"netmon/probes"
)

// Parse reads a policy. The error holds every mistake with its line. An
// empty file is the default policy.
func Parse(path string, data []byte, kinds probes.List) (p *Policy, err error) {
	file := Default()
	err = safeyaml.DecodeStrict(path, data, &file, func() (err error) {
		p, err = New(file, kinds, "file")
		return err
	})
	return p, err
}
