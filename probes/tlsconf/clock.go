package tlsconf

import (
	"crypto/x509"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// clockSlack is how far two clocks may differ and still pass for the same: what
// is known of the other one is no better than that.
const clockSlack = 5 * time.Second

// verifyByClocks is [verify] now. Where another clock is known, and the chain is
// valid by one of the two alone, nobody here can tell which one is right: that is
// no fault of the target.
func verifyByClocks(env *probes.Env, chain []*x509.Certificate, name string, roots *x509.CertPool) (tlsPath, error) {
	now := time.Now()
	path, err := verify(chain, name, roots, now)
	if env == nil || env.Clock == nil {
		return path, err
	}
	other, known := env.Clock()
	ahead := other.Sub(now.Round(0))
	if !known || ahead.Abs() < clockSlack {
		return path, err
	}
	_, second := verify(chain, name, roots, other)
	if (err == nil) == (second == nil) {
		return path, err
	}
	which, why := "this host's clock alone", second
	if err != nil {
		which, why = "the broker's clock alone", err
	}
	side := "behind"
	if ahead < 0 {
		side = "ahead of"
	}
	return path, probes.Broken(wire.BrokenClock, "the certificate is valid by %s: this host's clock is %v %s the broker's: %w", which, ahead.Abs().Round(time.Second), side, why)
}
