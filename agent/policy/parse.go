package policy

import "netmon/internal/safeyaml"

// Parse reads a policy. The error holds every mistake with its line. An
// empty file is the default policy.
func Parse(path string, data []byte) (p *Policy, err error) {
	file := Default()
	err = safeyaml.DecodeStrict(path, data, &file, func() (err error) {
		p, err = New(file, "file")
		return err
	})
	return p, err
}
