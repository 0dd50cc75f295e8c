package monitorfile

import (
	"netmon/console"
	"netmon/probes/kinds"
)

var checks = console.Checks{Monitor: kinds.All().CheckMonitor}
