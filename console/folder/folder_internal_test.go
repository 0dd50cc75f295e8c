package folder

import (
	"crypto/sha256"
	"testing"
	"time"
)

// TestSettling: what is half written, or missing for a moment, never counts.
func TestSettling(t *testing.T) {
	const settle = 3 * time.Second
	for name, looks := range map[string]struct {
		contents string // at each second
		want     string // what counts then; - is nothing yet
	}{
		"the first look does not count":         {"aaaa", "---a"},
		"a change counts once it stayed":        {"aaaabbbb", "---aaaab"},
		"one that goes on begins anew":          {"aaaabcdddd", "---aaaaaad"},
		"what was missing for a moment is back": {"aaaa-aaa", "---aaaaa"},
		"back again, and then another":          {"aaaabbabbbb", "---aaaaaaab"},
	} {
		t.Run(name, func(t *testing.T) {
			var s settling
			now, got, counts := time.Unix(1e9, 0), "", "-"
			for _, c := range looks.contents {
				is := sha256.Sum256([]byte(string(c)))
				if changed, left := s.see(is, now, settle); changed {
					s.take(is)
					counts = string(c)
				} else if left > settle || left < 0 {
					t.Errorf("it is to stay %v", left)
				}
				got += counts
				now = now.Add(time.Second)
			}
			if got != looks.want {
				t.Errorf("of %s there counts %s, want %s", looks.contents, got, looks.want)
			}
		})
	}
	var s settling
	if changed, left := s.see(sha256.Sum256(nil), time.Unix(1e9, 0), 0); !changed || left != 0 {
		t.Errorf("at once: %v %v", changed, left)
	}
}

// TestPace: two that want different things change each other's back more and more rarely,
// and somebody who changed one thing long ago costs nothing.
func TestPace(t *testing.T) {
	var p pace
	now := time.Unix(1e9, 0)
	var waits []time.Duration
	for range 9 {
		p.corrected(now)
		waits = append(waits, p.next.Sub(now))
		now = p.next.Add(time.Second)
	}
	if waits[0] != paceFirst || waits[1] != 2*paceFirst || waits[8] != paceMost {
		t.Errorf("it waits %v", waits)
	}
	now = p.next.Add(paceForget*paceMost + time.Second)
	p.corrected(now)
	if got := p.next.Sub(now); got != paceFirst {
		t.Errorf("after a long time it waits %v, want %v", got, paceFirst)
	}
}
