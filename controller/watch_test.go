package controller

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"netmon/wire"
)

var watchBegin = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

// certificates is a watch that is given a monitor, and then of certificates that agents
// saw.
type certificates struct {
	t   *testing.T
	w   *watch
	at  time.Time
	seq uint64
}

func newCertificates(t *testing.T) *certificates {
	c := &certificates{t: t, w: newWatch(), at: watchBegin}
	c.w.observe(&fact{at: c.at, saved: &wire.Saved{Monitor: wire.Monitor{Name: "web", Every: wire.Duration(30 * time.Second), Timeout: wire.Duration(10 * time.Second)}}})
	return c
}

// see is a result of an agent, after some time.
func (c *certificates) see(after time.Duration, agent string, expires time.Time) {
	c.at = c.at.Add(after)
	c.seq++
	c.w.advance(c.at)
	c.w.observe(&fact{at: c.at, result: &wire.Result{Agent: agent, Monitor: "web", Epoch: "E", Seq: c.seq, CertExpires: &expires}})
}

// want wants one trouble, or none where wrong is nil.
func (c *certificates) want(wrong *bool, why string) {
	c.t.Helper()
	list := c.w.takeFound()
	if wrong == nil {
		if len(list) > 0 {
			c.t.Errorf("told of %+v", list)
		}
		return
	}
	if len(list) != 1 || list[0].Wrong != *wrong || list[0].Why != why {
		c.t.Fatalf("told of %+v, want %v: %s", list, *wrong, why)
	}
}

func yes() *bool { v := true; return &v }
func no() *bool  { return new(bool) }

func TestWatch_Certificates(t *testing.T) {
	c := newCertificates(t)
	const day = 24 * time.Hour
	expires := watchBegin.Add(20 * day)
	c.see(0, "paris", watchBegin.Add(90*day))
	c.see(time.Second, "tokyo", expires)
	c.want(nil, "")
	for _, step := range []struct {
		left time.Duration
		why  string
	}{
		{14 * day, "its certificate expires within 14 days, on 2026-12-21 10:00 UTC, seen from tokyo"},
		{7 * day, "its certificate expires within 7 days, on 2026-12-21 10:00 UTC, seen from tokyo"},
		{3 * day, "its certificate expires within 3 days, on 2026-12-21 10:00 UTC, seen from tokyo"},
		{day, "its certificate expires within a day, on 2026-12-21 10:00 UTC, seen from tokyo"},
		{0, "its certificate expired on 2026-12-21 10:00 UTC, seen from tokyo"},
	} {
		c.see(expires.Add(-step.left).Sub(c.at)-time.Minute, "tokyo", expires)
		c.want(nil, "")
		c.see(2*time.Minute, "tokyo", expires)
		c.want(yes(), step.why)
		c.see(30*time.Second, "paris", watchBegin.Add(90*day)) // behind one name is another server
		c.see(30*time.Second, "tokyo", expires)
		c.want(nil, "")
	}
	was := c.w.last["troubles.certificate.web"]
	for range 5 { // renewed: it counts until nobody saw it for 5 runs
		c.see(30*time.Second, "tokyo", watchBegin.Add(110*day))
	}
	c.want(nil, "")
	c.see(30*time.Second, "tokyo", watchBegin.Add(110*day))
	c.want(no(), "its certificate was renewed: it expires on 2027-03-21 10:00 UTC")
	now := c.w.last["troubles.certificate.web"]
	if now.Incident != was.Incident || now.N != 6 || was.N != 5 || !was.Since.Equal(watchBegin.Add(6*day+time.Minute)) {
		t.Errorf("%+v\n%+v", was, now)
	}
	if err := wire.CheckToken(now.Incident); err != nil {
		t.Error(err)
	}
}

// TestWatch_ByTimeAlone: a monitor that is measured once a day is reported in time.
func TestWatch_ByTimeAlone(t *testing.T) {
	c := newCertificates(t)
	c.see(0, "paris", watchBegin.Add(14*24*time.Hour+time.Hour))
	c.w.advance(watchBegin.Add(59 * time.Minute))
	c.want(nil, "")
	c.w.advance(watchBegin.Add(61 * time.Minute))
	c.want(yes(), "its certificate expires within 14 days, on 2026-12-15 11:00 UTC, seen from paris")
	c.w.observe(&fact{at: watchBegin.Add(2 * time.Hour), deleted: "web"})
	c.want(no(), "the monitor is deleted")
	c.w.observe(&fact{at: watchBegin.Add(3 * time.Hour), deleted: "web"})
	c.want(nil, "")
}

// TestWatch_GoesOn: killed at any time, and restored from what was written, it reports the
// same, from results that are given again and others that follow.
func TestWatch_GoesOn(t *testing.T) {
	var facts []fact
	r := rand.New(rand.NewPCG(1, 1))
	at := watchBegin
	facts = append(facts, fact{at: at, saved: &wire.Saved{Monitor: wire.Monitor{Name: "web", Every: wire.Duration(30 * time.Second)}}})
	expires, lost := watchBegin.Add(24*time.Hour), uint64(0)
	for i := range 2000 {
		at = at.Add(time.Duration(1+r.IntN(60)) * time.Second)
		if i%300 == 299 {
			expires = at.Add(time.Duration(1+r.IntN(30)) * 24 * time.Hour)
		}
		e := expires
		x := &wire.Result{Agent: "paris", Monitor: "web", Epoch: "E", Seq: uint64(i + 1), CertExpires: &e}
		if r.IntN(150) == 0 {
			x.Dropped = 3
		}
		if i%10 == 0 {
			if r.IntN(40) == 0 {
				lost += 5
			}
			facts = append(facts, fact{at: at.Add(-time.Millisecond), alive: &wire.Alive{Agent: "oslo", Instance: "1", Dropped: lost}})
		}
		facts = append(facts, fact{at: at, result: x})
	}
	run := func(kills bool) (all []wire.Trouble) {
		w := newWatch()
		for i := 0; i < len(facts); i++ {
			if kills && r.IntN(100) == 0 {
				w = newWatch()
				for _, last := range lastOfEach(all) {
					w.restore(last)
				}
				for j := range facts[:i] { // the monitor is given again, and some of the heartbeats and results
					if facts[j].saved != nil || facts[j].at.After(facts[i].at.Add(-10*time.Minute)) {
						w.observe(&facts[j])
					}
				}
			}
			w.advance(facts[i].at)
			w.observe(&facts[i])
			all = append(all, w.takeFound()...)
		}
		return all
	}
	want, got := run(false), run(true)
	short := func(list []wire.Trouble) (out []string) {
		for _, x := range list {
			out = append(out, fmt.Sprintf("%s.%s %d %v", x.About, x.Name, x.N, x.Wrong))
		}
		slices.Sort(out) // both kinds are apart
		return out
	}
	if w, g := short(want), short(got); !slices.Equal(w, g) || len(w) < 10 {
		t.Errorf("told of\n%v\nwant\n%v", g, w)
	}
}

func lastOfEach(all []wire.Trouble) (list []wire.Trouble) {
	last := map[string]wire.Trouble{}
	for _, x := range all {
		last[x.About+x.Name] = x
	}
	for _, name := range sorted(last) {
		list = append(list, last[name])
	}
	return list
}

func TestWatch_Dropped(t *testing.T) {
	w := newWatch()
	at := watchBegin
	beat := func(after time.Duration, instance string, dropped uint64) {
		at = at.Add(after)
		w.advance(at)
		w.observe(&fact{at: at, alive: &wire.Alive{Agent: "paris", Instance: instance, Started: watchBegin, Dropped: dropped}})
	}
	want := func(wrong ...bool) {
		t.Helper()
		list := w.takeFound()
		if len(list) != len(wrong) {
			t.Fatalf("told of %+v", list)
		}
		for i, x := range list {
			if x.Wrong != wrong[i] || x.Why == "" || x.Incident == "" || x.Severity != wire.SeverityDropped {
				t.Errorf("told of %+v", x)
			}
		}
	}
	beat(0, "1", 500) // long ago
	beat(10*time.Second, "1", 500)
	want()
	beat(10*time.Second, "1", 501)
	want(true)
	beat(9*time.Minute, "1", 600)
	beat(9*time.Minute, "1", 600)
	want()
	beat(2*time.Minute, "1", 600)
	want(false)
	beat(10*time.Second, "2", 0) // started again
	want()
	beat(10*time.Second, "3", 2) // and lost some at once
	want(true)
	w.observe(&fact{at: at.Add(time.Second), alive: &wire.Alive{Agent: "paris", Gone: true}})
	want(false)
	w.observe(&fact{at: at.Add(time.Minute), result: &wire.Result{Agent: "oslo", Monitor: "web", Epoch: "E", Seq: 9, Dropped: 7}})
	list := w.takeFound()
	if len(list) != 1 || !list[0].Wrong || list[0].Name != "oslo" || list[0].Evidence != "oslo-E-9" {
		t.Errorf("told of %+v", list)
	}
}

// BenchmarkWatch is what it costs a result.
func BenchmarkWatch(b *testing.B) {
	w := newWatch()
	expires := watchBegin.Add(90 * 24 * time.Hour)
	var with, without []fact
	for i := range 1000 {
		name := fmt.Sprintf("monitor-%d", i)
		with = append(with, fact{at: watchBegin, result: &wire.Result{Agent: "paris", Monitor: name, CertExpires: &expires}})
		without = append(without, fact{at: watchBegin, result: &wire.Result{Agent: "paris", Monitor: name}})
	}
	for name, list := range map[string][]fact{"a certificate": with, "none": without} {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				w.observe(&list[i%len(list)])
			}
		})
	}
}
