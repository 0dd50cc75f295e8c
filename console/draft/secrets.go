package draft

import (
	"fmt"

	"netmon/probes"
	"netmon/wire"
)

// PlainSecrets warns of secrets that are written out in monitors, where everybody who reads
// these sees them.
func PlainSecrets(kinds probes.List, monitors ...wire.Saved) (texts []string) {
	for _, m := range monitors {
		for _, path := range kinds.PlainSecrets(m.Monitor) {
			texts = append(texts, fmt.Sprintf("monitor %q: %s looks like a secret written out: whoever reads monitors reads it; name it instead, as ${env:NETMON_SECRET_NAME} or ${file:/etc/netmon/secrets/NAME}, which the agent reads", m.Name, path))
		}
	}
	return texts
}
