package controller

import (
	"fmt"
	"time"

	"netmon/wire"
)

// certificate is the one of a monitor's that expires first, as its agents saw it.
type certificate struct {
	expires  time.Time
	seen     time.Time // when a result had it last; zero: not since a restart
	evidence string    // the result's id
	reported int       // level that was reported; 0 is none
}

// A certificate is reported when it expires within 14 days, and again within 7, 3 and 1,
// and when it has expired.
var certificateSteps = []time.Duration{14 * 24 * time.Hour, 7 * 24 * time.Hour, 3 * 24 * time.Hour, 24 * time.Hour, 0}

// certificateLevel is how many of these are over.
func certificateLevel(expires, now time.Time) (level int) {
	for _, step := range certificateSteps {
		if expires.Sub(now) < step || step == 0 && !expires.After(now) {
			level++
		}
	}
	return level
}

const (
	// Servers behind one name may have several certificates, of which one was renewed:
	// the earliest counts until it was not seen for so many runs, and so long.
	certificateRuns = 5
	certificateHold = time.Minute
)

// certificate looks at the certificate of a result.
func (w *watch) certificate(r *wire.Result, at time.Time) {
	expires := *r.CertExpires
	c := w.certs[r.Monitor]
	switch {
	case c == nil:
		c = &certificate{expires: expires, seen: at, evidence: r.ID()}
		w.certs[r.Monitor] = c
	case expires.Equal(c.expires):
		c.seen = at
	case expires.Before(c.expires), !c.seen.IsZero() && at.Sub(c.seen) > max(certificateHold, w.holds[r.Monitor]):
		c.expires, c.seen, c.evidence = expires, at, r.ID()
	case c.seen.IsZero():
		c.seen = at
		return
	default:
		return
	}
	if c.reported > 0 || expires.Sub(at) < certificateSteps[0] {
		w.observeCertificate(r.Monitor, c, at)
	}
}

// observeCertificate reports a certificate whose level changed.
func (w *watch) observeCertificate(monitor string, c *certificate, now time.Time) {
	level := certificateLevel(c.expires, now)
	if level == c.reported {
		return
	}
	c.reported = level
	t := wire.Trouble{About: wire.AboutCertificate, Name: monitor, Wrong: level > 0, At: now, Expires: c.expires.UTC(), Evidence: c.evidence}
	until := c.expires.UTC().Format("2006-01-02 15:04 UTC")
	switch left := c.expires.Sub(now); {
	case level == 0:
		t.Why = "its certificate was renewed: it expires on " + until
	case left <= 0:
		t.Why = "its certificate expired on " + until + on(c.evidence)
	case left < 24*time.Hour:
		t.Why = "its certificate expires within a day, on " + until + on(c.evidence)
	default:
		t.Why = fmt.Sprintf("its certificate expires within %d days, on %s%s", int(certificateSteps[level-1]/(24*time.Hour)), until, on(c.evidence))
	}
	w.add(t)
}

// certificatesBy looks at what became late.
func (w *watch) certificatesBy(now time.Time) {
	for _, name := range sorted(w.certs) {
		if c := w.certs[name]; c.reported > 0 || c.expires.Sub(now) < certificateSteps[0] {
			w.observeCertificate(name, c, now)
		}
	}
}

// monitor takes a monitor that is saved, noMonitor of one that is no longer measured.
func (w *watch) monitor(m *wire.Saved, at time.Time) {
	if m.Paused {
		w.noMonitor(m.Name, "the monitor is paused", at)
		return
	}
	w.holds[m.Name] = certificateRuns*m.Every.Std() + m.Timeout.Std()
}

func (w *watch) noMonitor(name, why string, at time.Time) {
	delete(w.certs, name)
	delete(w.holds, name)
	w.add(wire.Trouble{About: wire.AboutCertificate, Name: name, At: at, Why: why})
}
