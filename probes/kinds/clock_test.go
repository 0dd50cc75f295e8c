package kinds

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// TestEveryKind_Clock: a certificate that is valid by one of two clocks says
// which clock is wrong to nobody; one that both refuse has expired.
func TestEveryKind_Clock(t *testing.T) {
	pki := probetest.NewWebPKI(t)
	valid := pki.ServeUntil(t, "127.0.0.1", time.Now().Add(10*24*time.Hour), nil).Listener.Addr().String()
	expired := pki.ServeUntil(t, "127.0.0.1", time.Now().Add(-time.Hour), nil).Listener.Addr().String()
	ca := `"tls":{"ca":"${file:` + pki.Ca + `"`
	ca = strings.Replace(ca, `.pem"`, `.pem}"`, 1)
	for name, c := range map[string]struct {
		target  string
		ahead   time.Duration // the other clock; 0 is none
		more    string
		outcome wire.Outcome
		failure wire.Failure
		says    string
	}{
		"no other clock":                  {valid, 0, ``, wire.OK, "", ""},
		"both agree":                      {valid, time.Minute, ``, wire.OK, "", ""},
		"the other is a month ahead":      {valid, 30 * 24 * time.Hour, ``, wire.Broken, wire.BrokenClock, "valid by this host's clock alone: this host's clock is 720h0m0s behind the broker's"},
		"the other is a year behind":      {valid, -366 * 24 * time.Hour, ``, wire.Broken, wire.BrokenClock, "ahead of the broker's"},
		"expired by one clock":            {expired, -2 * time.Hour, ``, wire.Broken, wire.BrokenClock, "valid by the broker's clock alone: this host's clock is 2h0m0s ahead of the broker's"},
		"expired by both":                 {expired, -time.Minute, ``, wire.Failed, wire.FailCertificate, "expired"},
		"expired, and a clock is seconds": {expired, time.Second, ``, wire.Failed, wire.FailCertificate, "expired"},
		"nobody minds":                    {expired, -2 * time.Hour, `,"insecure":true`, wire.OK, "", ""},
	} {
		for kind, m := range map[string][2]string{"https": {"https://" + c.target, ``}, "tls": {c.target, ``}, "tcp": {c.target, `"security":"tls",`}} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				env := &probes.Env{}
				defer env.Close()
				if c.ahead != 0 {
					env.Clock = func() (time.Time, bool) { return time.Now().Add(c.ahead), true }
				}
				if _, _, err := net.SplitHostPort(c.target); err != nil {
					t.Fatal(err)
				}
				check, err := All().New(env, kind, m[0], json.RawMessage(`{`+m[1]+ca+c.more+`}}`))
				if err != nil {
					t.Fatal(err)
				}
				r := check.Run(t.Context(), 20*time.Second, nil)
				probetest.WantFailure(t, r, c.outcome, c.failure)
				if !strings.Contains(r.Error, c.says) {
					t.Errorf("error %q, want %q in it", r.Error, c.says)
				}
			})
		}
	}
}
