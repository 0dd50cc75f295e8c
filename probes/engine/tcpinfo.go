package engine

import (
	"time"
)

// TCPInfo is what the kernel knows of a connection, on Linux (tcp(7), TCP_INFO).
type TCPInfo struct {
	RTTNS       int64 `json:"rtt_ns,omitempty" help:"smoothed round trip when the dialogue ended (RFC 6298), ns, to the microsecond"`
	RTTVarNS    int64 `json:"rttvar_ns,omitempty" help:"its mean deviation (RFC 6298), ns"`
	MinRTTNS    int64 `json:"min_rtt_ns,omitempty" help:"shortest round trip, ns"`
	Retransmits int64 `json:"retransmits" help:"segments that were sent again, SYNs included"`
	MSS         int64 `json:"mss,omitempty" help:"most payload of a segment that is sent, bytes"`
	PMTU        int64 `json:"pmtu,omitempty" help:"path MTU as far as it is known, bytes"`
}

// SynTime is the time from SYN to SYN ACK, ns, by what the kernel says of a
// connection right after connecting, which took so long by this process's clock.
// It is nil where the kernel does not say, or reports something else.
func SynTime(info *TCPInfo, took time.Duration) *int64 {
	if info == nil || info.RTTNS <= 0 || info.Retransmits > 0 || info.RTTNS > int64(took) {
		return nil
	}
	return new(info.RTTNS)
}
