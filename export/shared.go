package export

import (
	"math"
	"net/netip"

	"netmon/wire"
)

// absent stands for what was not measured, in a list of numbers.
var absent = math.NaN()

// The gauges of every result, by their place in [sharedFamilies].
const (
	sharedBroken = iota
	sharedTime
	sharedSuccess // and what follows: not of a run that could not measure
	sharedDuration
	sharedProtocol
	sharedExpiry
	sharedLoss
	sharedLatency
	sharedCount
)

// sharedFamilies are the gauges that results of all kinds have.
var sharedFamilies = [sharedCount]family{
	sharedBroken:   {"netmon_run_broken", "Whether the last run could not measure, which says nothing about the target.", Gauge, ones},
	sharedTime:     {"netmon_result_timestamp_seconds", "When the last run began, by the clock of the broker, in seconds since 1970.", Gauge, micros},
	sharedSuccess:  {"probe_success", "Whether the last run was ok (1) or failed (0); absent where it could not measure.", Gauge, ones},
	sharedDuration: {"probe_duration_seconds", "How long the last run took, in seconds.", Gauge, nanos},
	sharedProtocol: {"probe_ip_protocol", "Whether the address that was measured is of IPv4 (4) or IPv6 (6).", Gauge, ones},
	sharedExpiry:   {"probe_ssl_earliest_cert_expiry", "End of the chain that verifies: of its certificate that ends first, in seconds since 1970; without such a chain, of the certificates that the server's needs. What is sent beside these decides nothing.", Gauge, micros},
	sharedLoss:     {"probe_loss_ratio", "Packets that the last run lost of those it sent, 0 to 1.", Gauge, ones},
	sharedLatency:  {"netmon_latency_seconds", "The kind's headline figure of the last run, in seconds.", Gauge, nanos},
}

// failureFamily has the reason of a run that was not ok as a label. It is scraped and not pushed: a
// scrape ends the series when the reason changes, and a push would leave it behind.
var failureFamily = family{"netmon_run_failure_info", "Why the last run was not ok, in the word that results use; absent where it was ok.", Gauge, ones}

const failureLabel = "failure"

// failureText is the reason of a result as the value of a label; it comes from an agent.
func failureText(r *wire.Result) string {
	if r.Outcome == wire.OK {
		return ""
	}
	return labelText(wire.Clip(string(r.Failure), mostText))
}

// sharedNumbers fills to with what all results have, each in the scale of its family.
func sharedNumbers(r *wire.Result, to *[sharedCount]float64) {
	for i := range to {
		to[i] = absent
	}
	to[sharedTime] = float64(r.Started.UnixMicro())
	switch r.Outcome {
	case wire.OK:
		to[sharedSuccess], to[sharedBroken] = 1, 0
	case wire.Failed:
		to[sharedSuccess], to[sharedBroken] = 0, 0
	case wire.Broken:
		to[sharedBroken] = 1
		return
	default: // of a newer agent: nothing is known of it
		return
	}
	to[sharedDuration] = float64(r.ElapsedNS)
	if r.LatencyNS != nil {
		to[sharedLatency] = float64(*r.LatencyNS)
	}
	if r.Loss != nil {
		to[sharedLoss] = *r.Loss
	}
	if r.CertExpires != nil {
		to[sharedExpiry] = float64(r.CertExpires.UnixMicro())
	}
	if r.Address != "" {
		if a, err := netip.ParseAddr(r.Address); err == nil {
			to[sharedProtocol] = 6
			if a.Unmap().Is4() {
				to[sharedProtocol] = 4
			}
		}
	}
}
