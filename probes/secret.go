package probes

import (
	"fmt"
	"os"
	"strings"

	"netmon/wire"
)

// Secret names a password, token or key without holding it: ${env:NAME} or
// ${file:PATH}, read on the agent at each run. It travels and prints as the
// reference.
type Secret string

// UnmarshalText refuses a value written out, which would end up in the broker.
func (s *Secret) UnmarshalText(b []byte) error {
	kind, name, ok := reference(string(b))
	if !ok || name == "" || kind != "env" && kind != "file" {
		return fmt.Errorf("want a reference, ${env:NAME} or ${file:PATH}, not the secret itself")
	}
	*s = Secret(b)
	return nil
}

// Reveal reads the secret. A trailing line end of a file is not part of it.
func (s Secret) Reveal() (string, error) {
	if s == "" {
		return "", nil
	}
	kind, name, _ := reference(string(s))
	if kind == "env" {
		v, ok := os.LookupEnv(name)
		if !ok {
			return "", broken(wire.BrokenSecret, "read secret %s: the variable is not set on this agent", string(s))
		}
		return v, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", broken(wire.BrokenSecret, "read secret %s: %w", string(s), err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// reference takes ${kind:name} apart.
func reference(s string) (kind, name string, ok bool) {
	inner, ok := strings.CutPrefix(s, "${")
	if !ok || !strings.HasSuffix(inner, "}") {
		return "", "", false
	}
	return strings.Cut(strings.TrimSuffix(inner, "}"), ":")
}
