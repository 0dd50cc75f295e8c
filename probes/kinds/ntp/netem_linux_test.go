package ntp

import (
	"encoding/json"
	"math"
	"os/exec"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

// TestNTP_AgreesWithNtpdig does so with ntpdig, which knows port 123 alone and
// therefore needs a network of its own.
func TestNTP_AgreesWithNtpdig(t *testing.T) {
	ntpdig := need.Tool(t, "ntpdig", "ntpsec-ntpdig")
	probetest.InOwnNetwork(t, func() {
		b := targets.HealthyNTP()
		b.Offset, b.Stratum, b.RefID = -250*time.Millisecond, 2, "\x7f\x00\x00\x01"
		s, err := targets.ServeNTP("127.0.0.1:123", b)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		r := measure(t, "ntp", "127.0.0.1", ``)
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		out, err := exec.Command(ntpdig, "-j", "127.0.0.1").Output()
		var theirs struct {
			Offset, Precision float64
			Stratum           int
		}
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Errorf("%v: %s", err, out)
			return
		}
		// Its precision is how far it may be off, by its own word.
		apart, most := math.Abs(ntpSeconds(*d.OffsetNS)-theirs.Offset), 0.001+theirs.Precision+probetest.MostWrong(time.Duration(*d.RTTNS)).Seconds()
		t.Logf("offset %.6f s, by ntpdig %.6f s", ntpSeconds(*d.OffsetNS), theirs.Offset)
		if err != nil || theirs.Stratum != *d.Stratum || apart > most {
			t.Errorf("offset %.6f s, by ntpdig %s %v", ntpSeconds(*d.OffsetNS), out, err)
		}
	})
}
