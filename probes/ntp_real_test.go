package probes

import (
	"math"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/lab/targets"
	"netmon/wire"
)

// chronyArgs makes chronyd a server on the port, which leaves this host's clock alone.
func chronyArgs(t *testing.T, port string, more string) []string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "chrony.conf")
	text := "port " + port + "\nbindaddress 127.0.0.1\nallow 127.0.0.1\ncmdport 0\nbindcmdaddress /\npidfile " + filepath.Join(dir, "pid") +
		"\nuser " + me.Username + "\n" + more + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"-x", "-U", "-d", "-f", conf}
}

func TestNTP_Chrony(t *testing.T) {
	chronyd := need.Tool(t, "chronyd", "chrony")
	port := freeUDPPort(t)
	daemon(t, chronyd, chronyArgs(t, port, "local stratum 3")...)
	r := untilAnswered(t, "ntp", "127.0.0.1:"+port, `{"expect":{"stratum":3,"offset":"250ms","root_distance":"1s"}}`)
	wantFailure(t, r, wire.OK, "")
	d := detailsOf[NTPDetails](t, r)
	if *d.Stratum != 3 || d.ReferenceID != "127.127.1.1" || d.Version != 4 || time.Duration(*d.OffsetNS).Abs() > time.Millisecond+mostWrong(time.Duration(*d.RTTNS)) {
		t.Errorf("details %s", r.Details)
	}
	r = measure(t, "ntp", "127.0.0.1:"+port, `{"version":3,"expect":{"stratum":2}}`)
	wantFailure(t, r, wire.Failed, wire.FailMismatch)
	if d := detailsOf[NTPDetails](t, r); d.Version != 3 {
		t.Errorf("answered with version %d", d.Version)
	}
}

func TestNTP_ChronyUnsynchronised(t *testing.T) {
	chronyd := need.Tool(t, "chronyd", "chrony")
	port := freeUDPPort(t)
	daemon(t, chronyd, chronyArgs(t, port, "")...)
	r := untilAnswered(t, "ntp", "127.0.0.1:"+port, ``)
	wantFailure(t, r, wire.Failed, wire.FailUnsynced)
	if d := detailsOf[NTPDetails](t, r); *d.Leap != 3 || *d.Stratum != 0 {
		t.Errorf("details %s", r.Details)
	}
}

// TestNTP_AgreesWithChrony compares what chronyd -Q says of the same server.
func TestNTP_AgreesWithChrony(t *testing.T) {
	chronyd := need.Tool(t, "chronyd", "chrony")
	b := targets.HealthyNTP()
	b.Offset, b.RootDispersion = 1500*time.Millisecond, 0
	s := serveNTP(t, b)
	port := regexp.MustCompile(`\d+$`).FindString(s.Addr)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	// On a busy host either of them may be kept waiting between two times that
	// it takes: one of a few tries is quiet enough.
	var apart float64
	for range 5 {
		d := detailsOf[NTPDetails](t, measure(t, "ntp", s.Addr, ``))
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
