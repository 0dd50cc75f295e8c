package probes

import "netmon/probes/engine"

// What timed a latency.
const (
	ClockKernel  = engine.ClockKernel
	ClockTCPInfo = engine.ClockTCPInfo
	ClockUser    = engine.ClockUser
)
