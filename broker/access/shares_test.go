package access

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/wire"
)

// TestShares has agents store into 4 GiB of results, as the default is.
func TestShares(t *testing.T) {
	const gib, mib = 1 << 30, 1 << 20
	type step struct {
		after time.Duration
		store map[string]float64
		over  []string
		half  []string
	}
	one := func(bytes float64) map[string]float64 { return map[string]float64{"paris": bytes} }
	every := func(n int, s step) (out []step) {
		for range n {
			out = append(out, s)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		max   int64
		steps []step
	}{
		{"a full spool of 1 GiB is delivered at once", 4 * gib, []step{
			{after: time.Second, store: one(0.7 * gib)}, {after: 10 * time.Second, store: one(0.7 * gib), half: []string{"paris"}}}},
		{"1,000 results a second for a day", 4 * gib, every(1440, step{after: time.Minute, store: one(60 * 1000 * 1024)})},
		{"a flood", 4 * gib, []step{{after: time.Second, store: one(gib), half: []string{"paris"}}, {after: 2 * time.Second, store: one(gib), over: []string{"paris"}}}},
		{"a flood at one look", 4 * gib, []step{{after: time.Second, store: one(3 * gib), over: []string{"paris"}}}},
		{"a share comes back within the hour", 4 * gib, []step{
			{after: time.Second, store: one(1.4 * gib), half: []string{"paris"}}, {after: 30 * time.Minute}, {after: time.Second, store: one(1.4 * gib), half: []string{"paris"}}}},
		{"two at once have a share each", 4 * gib, []step{
			{after: time.Second, store: map[string]float64{"paris": 1.4 * gib, "oslo": 1.4 * gib}, half: []string{"oslo", "paris"}},
			{after: time.Second, store: map[string]float64{"paris": 0.2 * gib}, over: []string{"paris"}}}},
		{"what stores most comes first", 4 * gib, []step{
			{after: time.Second, store: map[string]float64{"paris": 1.6 * gib, "oslo": 1.7 * gib}, over: []string{"oslo", "paris"}}}},
		{"a stream without a limit pushes nobody out", -1, []step{{after: time.Second, store: one(100 * gib)}}},
		{"a small stream has small shares", 64 * mib, []step{{after: time.Second, store: one(25 * mib), over: []string{"paris"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShares(Share{})
			s.limit(c.max)
			now := time.Unix(0, 0)
			for i, step := range c.steps {
				now = now.Add(step.after)
				s.add(now, step.store)
				over, half := s.over()
				for _, l := range []struct {
					what string
					got  []use
					want []string
				}{{"over", over, step.over}, {"half", half, step.half}} {
					same := len(l.got) == len(l.want)
					for j := range l.want {
						same = same && l.got[j].agent == l.want[j]
					}
					if !same {
						t.Fatalf("step %d: %s = %+v, want %v", i, l.what, l.got, l.want)
					}
				}
			}
		})
	}
}

func TestShares_PauseGivesHalfBack(t *testing.T) {
	s := newShares(Share{})
	s.limit(4 << 30)
	now := time.Unix(0, 0)
	s.add(now, map[string]float64{"paris": 2 << 30})
	over, _ := s.over()
	pause := s.pause(over[0])
	if pause < 10*time.Minute || pause > 30*time.Minute {
		t.Errorf("pause %v", pause)
	}
	s.add(now.Add(pause), nil)
	if got, want := s.uses["paris"].level, s.burst()/2; math.Abs(got-want) > 1<<10 {
		t.Errorf("after it %v, want %v", got, want)
	}
	s.add(now.Add(24*time.Hour), nil)
	if len(s.uses) != 0 {
		t.Errorf("kept for ever: %v", s.uses)
	}
}

func TestShares_Forgive(t *testing.T) {
	s := newShares(Share{})
	s.limit(1 << 20)
	s.add(time.Unix(0, 0), map[string]float64{"paris": 1 << 20})
	at := time.Unix(1, 0)
	s.forgive("paris", at)
	if over, _ := s.over(); over != nil {
		t.Errorf("%+v", over)
	}
	// What it sent before is stored only now, with pauses.
	for i := range 4 {
		s.add(at.Add(time.Duration(i)*time.Second), map[string]float64{"paris": queued / 4})
		s.add(at.Add(time.Duration(i)*time.Second), map[string]float64{"oslo": 1})
	}
	if over, _ := s.over(); over != nil {
		t.Errorf("what it sent before: %+v", over)
	}
	s.add(at.Add(5*time.Second), map[string]float64{"paris": 1 << 20})
	if over, _ := s.over(); len(over) != 1 {
		t.Errorf("what it sends since: %+v", over)
	}
	s.forgive("paris", at)
	s.add(at.Add(graceMost+time.Second), nil)
	s.add(at.Add(graceMost+2*time.Second), map[string]float64{"paris": 1 << 20})
	if over, _ := s.over(); len(over) != 1 {
		t.Errorf("without an end: %+v", over)
	}
}

// TestEstimate floods with messages of many sizes beside an agent that sends few.
func TestEstimate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]sample, 0, 100_000)
	real := map[string]float64{}
	for range cap(all) {
		m := sample{"thief", int64(r.IntN(64 << 10))}
		switch {
		case r.IntN(10) > 0:
			m.bytes = 34
		case r.IntN(20) == 0:
			m = sample{"oslo", 900}
		}
		all = append(all, m)
		real[m.agent] += float64(m.bytes)
	}
	got := map[string]float64{}
	const looks = 100
	for i := range looks {
		from := len(all) / looks * i
		var of []sample
		for _, n := range choose(uint64(from), uint64(from+len(all)/looks), samples, r.Uint64N) {
			of = append(of, all[n-1])
		}
		for agent, bytes := range estimate(uint64(len(all)/looks), of) {
			got[agent] += bytes
		}
	}
	if share := got["thief"] / real["thief"]; share < 0.8 || share > 1.2 {
		t.Errorf("the thief stored %v, estimated %v", real["thief"], got["thief"])
	}
	if got["oslo"] > 4*real["oslo"] {
		t.Errorf("oslo stored %v, estimated %v", real["oslo"], got["oslo"])
	}
}

func TestChoose(t *testing.T) {
	last := func(n uint64) uint64 { return n - 1 }
	first := func(uint64) uint64 { return 0 }
	for _, c := range []struct {
		after, upTo uint64
		k           int
		random      func(uint64) uint64
		want        []uint64
	}{
		{10, 13, 8, last, []uint64{11, 12, 13}},
		{0, 1, 8, first, []uint64{1}},
		{0, 100, 4, first, []uint64{1, 26, 51, 76}},
		{0, 100, 4, last, []uint64{25, 50, 75, 100}},
		{1000, 1007, 2, last, []uint64{1003, 1007}},
	} {
		got := choose(c.after, c.upTo, c.k, c.random)
		if len(got) != len(c.want) {
			t.Errorf("choose(%d, %d, %d) = %v, want %v", c.after, c.upTo, c.k, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("choose(%d, %d, %d) = %v, want %v", c.after, c.upTo, c.k, got, c.want)
			}
		}
	}
}

// TestRegistry_SuspensionsGrow suspends one agent again and again.
func TestRegistry_SuspensionsGrow(t *testing.T) {
	dir := t.TempDir()
	if err := newRegistry(dir); err != nil {
		t.Fatal(err)
	}
	b, err := openRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	b.now = func() time.Time { return now }
	key := func() string {
		kp, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		return public(kp)
	}
	for name, role := range map[string]wire.Role{"paris": wire.RoleAgent, "anna": wire.RoleAdmin} {
		token, _, err := b.invite("test", wire.AccessCommand{Name: name, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		q := by(key())
		if role != wire.RoleAgent {
			q.As = wire.JoinConsole
		}
		if _, err := b.join(identity.TokenSecret(token), q); err != nil {
			t.Fatal(err)
		}
	}
	suspend := func(name string) (time.Duration, bool) {
		t.Helper()
		id, done, err := b.suspend(name, "it stored too much", 12*time.Minute, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return id.Until.Sub(now), done
	}
	for _, name := range []string{"anna", "nobody"} {
		if _, done := suspend(name); done {
			t.Errorf("%s was suspended", name)
		}
	}
	for _, want := range []time.Duration{12 * time.Minute, 24 * time.Minute, 48 * time.Minute, time.Hour, time.Hour} {
		got, done := suspend("paris")
		if !done || got != want {
			t.Errorf("suspended %v for %v, want %v", done, got, want)
		}
		if _, again := suspend("paris"); again {
			t.Error("suspended twice")
		}
		if len(b.revoked(accountAgents)) != 1 || len(b.due()) != 0 {
			t.Errorf("revoked %v, due %v", b.revoked(accountAgents), b.due())
		}
		again, err := openRegistry(dir) // a restart
		if err != nil {
			t.Fatal(err)
		}
		if len(again.revoked(accountAgents)) != 1 {
			t.Error("a restart lets it in")
		}
		now = now.Add(got)
		if due := b.due(); len(due) != 1 || due[0] != "paris" {
			t.Errorf("due %v", due)
		}
		if id, err := b.resume("paris", false); err != nil || id.State != "joined" || len(b.revoked(accountAgents)) != 0 {
			t.Errorf("resume: %+v %v, revoked %v", id, err, b.revoked(accountAgents))
		}
	}
	now = now.Add(inARow + time.Second)
	if got, _ := suspend("paris"); got != 12*time.Minute {
		t.Errorf("a day later: %v", got)
	}
	if _, err := b.resume("paris", true); err != nil {
		t.Error(err)
	}
	if got, _ := suspend("paris"); got != 12*time.Minute {
		t.Errorf("after an admin let it in: %v", got)
	}
	if id, err := b.revoke("anna", "paris"); err != nil || id.State != "revoked" || !id.Suspended.IsZero() {
		t.Errorf("revoke a suspended one: %+v %v", id, err)
	}
	if _, err := b.resume("paris", true); err == nil {
		t.Error("a revoked one was let in")
	}
	if len(b.due()) != 0 || len(b.revoked(accountAgents)) != 1 {
		t.Errorf("due %v, revoked %v", b.due(), b.revoked(accountAgents))
	}
}

func TestSizeText(t *testing.T) {
	for bytes, want := range map[float64]string{0: "0 B", 999: "999 B", 1000: "0.977 KiB", 1536: "1.5 KiB", 1.5 * (1 << 30): "1.5 GiB"} {
		if got := sizeText(bytes); got != want {
			t.Errorf("sizeText(%v) = %q, want %q", bytes, got, want)
		}
	}
}

func TestShares_HowOften(t *testing.T) {
	for _, c := range []struct {
		max     int64
		every   time.Duration
		largest int64
		worth   uint64 // the least number of new messages that is looked at
	}{
		{-1, lookMost, 64 << 10, 0},
		{64 << 20, lookLeast, 64 << 10, 6},
		{4 << 30, 375 * time.Millisecond, 64 << 10, 384},
		{4 << 30, 375 * time.Millisecond, 1 << 20, 24},
		{100 << 30, lookMost, 64 << 10, 9600},
	} {
		s := newShares(Share{})
		s.limit(c.max)
		if got := s.every(); got != c.every {
			t.Errorf("of %d bytes: every %v, want %v", c.max, got, c.every)
		}
		if !s.worth(c.worth, c.largest) || c.worth > 0 && s.worth(c.worth-1, c.largest) {
			t.Errorf("of %d bytes: want a look from %d messages on", c.max, c.worth)
		}
	}
}

func TestDecodeSample(t *testing.T) {
	for _, c := range []struct {
		data string
		want sample
		bad  bool
	}{
		{`{"message":{"subject":"results.paris.web","seq":7,"hdrs":"TkFUUy8xLjANCg0K","data":"e30=","time":"2026-11-29T12:00:00Z"}}`, sample{"paris", 34 + 17 + 18}, false},
		{`{"message":{"subject":"results.paris.web","seq":7}}`, sample{"paris", 34 + 17}, false},
		{`{"error":{"code":404,"err_code":10037,"description":"no message found"}}`, sample{}, true},
		{`{"message":{"subject":"results"}}`, sample{}, true},
		{`{"message":{"subject":"results.paris"}}`, sample{}, true},
		{`{`, sample{}, true},
	} {
		got, err := decodeSample([]byte(c.data))
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("decodeSample(%s) = %+v, %v, want %+v", c.data, got, err, c.want)
		}
	}
}
