package ntp

import (
	"math"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

func TestNTP_Chrony(t *testing.T) {
	chronyd := need.Tool(t, "chronyd", "chrony")
	port := probetest.FreeUDPPort(t)
	probetest.Daemon(t, chronyd, probetest.ChronyArgs(t, port, "local stratum 3")...)
	r := untilAnswered(t, "ntp", "127.0.0.1:"+port, `{"expect":{"stratum":3,"offset":"250ms","root_distance":"1s"}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	if *d.Stratum != 3 || d.ReferenceID != "127.127.1.1" || d.Version != 4 || time.Duration(*d.OffsetNS).Abs() > time.Millisecond+probetest.MostWrong(time.Duration(*d.RTTNS)) {
		t.Errorf("details %s", r.Details)
	}
	r = measure(t, "ntp", "127.0.0.1:"+port, `{"version":3,"expect":{"stratum":2}}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
	if d := probetest.DetailsOf[Details](t, r); d.Version != 3 {
		t.Errorf("answered with version %d", d.Version)
	}
}

func TestNTP_ChronyUnsynchronised(t *testing.T) {
	chronyd := need.Tool(t, "chronyd", "chrony")
	port := probetest.FreeUDPPort(t)
	probetest.Daemon(t, chronyd, probetest.ChronyArgs(t, port, "")...)
	r := untilAnswered(t, "ntp", "127.0.0.1:"+port, ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailUnsynced)
	if d := probetest.DetailsOf[Details](t, r); *d.Leap != 3 || *d.Stratum != 0 {
		t.Errorf("details %s", r.Details)
	}
}

// TestNTP_AgreesWithChrony compares what chronyd -Q says of the same server.
func TestNTP_AgreesWithChrony(t *testing.T) {
	chronyd := need.Tool(t, "chronyd", "chrony")
	b := targets.HealthyNTP()
	b.Offset, b.RootDispersion = 1500*time.Millisecond, 0
	s := probetest.ServeNTP(t, b)
	port := regexp.MustCompile(`\d+$`).FindString(s.Addr)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	// On a busy host either of them may be kept waiting between two times that
	// it takes: one of a few tries is quiet enough.
	var apart float64
	for range 5 {
		d := probetest.DetailsOf[Details](t, measure(t, "ntp", s.Addr, ``))
		out, err := exec.Command(chronyd, "-Q", "-U", "-t", "20", "user "+me.Username, "pidfile "+filepath.Join(t.TempDir(), "pid"), "cmdport 0", "bindcmdaddress /",
			"server 127.0.0.1 port "+port+" iburst maxsamples 1 minsamples 1").CombinedOutput()
		m := regexp.MustCompile(`wrong by ([-+0-9.]+) seconds`).FindSubmatch(out)
		if err != nil || m == nil {
			t.Fatalf("%v: %s", err, out)
		}
		theirs, _ := strconv.ParseFloat(string(m[1]), 64)
		t.Logf("offset %.6f s, by chronyd %.6f s", ntpSeconds(*d.OffsetNS), theirs)
		if apart = math.Abs(ntpSeconds(*d.OffsetNS) - theirs); apart <= 0.001 {
			return
		}
	}
	t.Errorf("the offset is %.6f s from chronyd's", apart)
}
