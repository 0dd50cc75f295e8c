package engine_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// TestICMP_DeadAddress: nobody answers for the first address, not even ARP.
func TestICMP_DeadAddress(t *testing.T) {
	ip := need.Tool(t, "ip", "iproute2")
	probetest.InOwnNetwork(t, func() {
		setUp := "ip link set lo up && ip link add v0 type veth peer v1 && ip link set v1 up && ip addr add 192.0.2.2/24 dev v0 && ip link set v0 up"
		if out, err := exec.Command("sh", "-c", "PATH=$PATH:"+filepath.Dir(ip)+"; "+setUp).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", setUp, err, out)
			return
		}
		env := &probes.Env{}
		defer env.Close()
		probes.AddressesOf(env).Remember("two.example", "192.0.2.77", "192.0.2.2")
		r := newCheck(t, env, "icmp", "two.example", `{"within":"100ms"}`).Run(t.Context(), 2*time.Second, nil)
		d := probetest.DetailsOf[probes.Shared](t, r).Addresses
		if r.Failure != wire.FailSlow || r.Address != "192.0.2.2" || len(d) != 2 || d[0].Address != "192.0.2.77" || d[0].NS < int64(time.Second)/2 || !strings.Contains(r.Error, "after 192.0.2.77 did not answer, want at most 100ms") {
			t.Errorf("%+v: %+v", r, d)
		}
	})
}
