package ntp

import (
	"slices"

	"netmon/probes"
)

func metrics() []probes.Metric {
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_ntp_duration_seconds", "Duration of a phase of the run, in seconds; rtt is the delay without the server's own time.", "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"rtt", "rtt_ns"}),
		[]probes.Metric{
			{Name: "probe_ntp_offset_seconds", Help: "How far the server's clock is ahead of the agent's, in seconds.", Figure: "offset_ns"},
			{Name: "probe_ntp_jitter_seconds", Help: "Root mean square of the other samples' offsets against the best one's, in seconds.", Figure: "jitter_ns"},
			{Name: "probe_ntp_stratum", Help: "Distance from the reference clock: 1 primary server, 2 to 15 secondary, 0 kiss code, 16 unsynchronised.", Figure: "stratum"},
			{Name: "probe_ntp_leap", Help: "Leap indicator: 0 no warning, 1 and 2 a leap second, 3 unsynchronised.", Figure: "leap"},
			{Name: "probe_ntp_root_delay_seconds", Help: "The server's delay to the reference clock and back, in seconds.", Figure: "root_delay_ns"},
			{Name: "probe_ntp_root_dispersion_seconds", Help: "The server's dispersion to the reference clock, in seconds.", Figure: "root_dispersion_ns"},
			{Name: "probe_ntp_root_distance_seconds", Help: "The greatest error that the agent's clock could have by this server, in seconds.", Figure: "root_distance_ns"},
			{Name: "probe_ntp_reference_timestamp_seconds", Help: "When the server's clock was last set or corrected, in seconds since 1970.", Figure: "reference_time"},
			{Name: "probe_ntp_agent_clock_synchronised", Help: "Whether the kernel of the agent's host regards its own clock as synchronised.", Figure: "clock_synchronised"},
		})
}
