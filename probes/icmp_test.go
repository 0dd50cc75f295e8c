package probes

import (
	"encoding/json"
	"testing"

	"netmon/internal/need"
	"netmon/wire"
)

func TestICMP_Loopback(t *testing.T) {
	if err := (ICMP{}).Ready(nil); err != nil {
		need.Missing(t, "%v", err)
	}
	r := measure(t, "icmp", "127.0.0.1", `{"count":3,"interval":"10ms"}`)
	wantFailure(t, r, wire.OK, "")
	var d ICMPDetails
	if err := json.Unmarshal(r.Details, &d); err != nil {
		t.Fatal(err)
	}
	if d.Sent != 3 || d.Received != 3 || *d.Loss != 0 || d.AvgNS <= 0 || d.TTL != 64 {
		t.Errorf("%+v", d)
	}
}
