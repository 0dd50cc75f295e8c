package monitorfile

import (
	"netmon/console"
	"netmon/probes"
)

var checks = console.Checks{Monitor: probes.CheckMonitor}
