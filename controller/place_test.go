package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// agentsOf reads "a b? c- d! e*": online, since a moment ago, missing, lost, and refusing it.
func agentsOf(text string) (all []candidate) {
	for word := range strings.FieldsSeq(text) {
		id := strings.TrimRight(word, "?-!*")
		c := candidate{id: id, refuses: strings.Contains(word, "*")}
		switch {
		case strings.Contains(word, "?"):
			c.is = fresh
		case strings.Contains(word, "-"):
			c.is = missing
		case strings.Contains(word, "!"):
			c.is = lost
		}
		all = append(all, c)
	}
	return all
}

// TestPlace: for the monitor web the agents rank rome, paris, tokyo, oregon.
func TestPlace(t *testing.T) {
	for _, c := range []struct{ name, agents, current, want string }{
		{"the first by rank", "oregon paris rome tokyo", "", "paris rome"},
		{"fewer than are asked for", "oregon", "", "oregon"},
		{"none", "", "", ""},
		{"one that is missing keeps it", "oregon paris rome- tokyo", "paris rome", "paris rome"},
		{"one that is missing gets nothing new", "oregon paris rome- tokyo", "", "paris tokyo"},
		{"another takes over from one that is lost", "oregon paris rome! tokyo", "paris rome", "paris tokyo"},
		{"one that is back takes nothing at once", "oregon paris rome? tokyo", "paris tokyo", "paris tokyo"},
		{"one that is back for long takes over", "oregon paris rome tokyo", "paris tokyo", "paris rome"},
		{"one that is gone is replaced by what is there, though it just came", "paris tokyo?", "paris rome", "paris tokyo"},
		{"a new monitor where all just came", "oregon? paris? rome? tokyo?", "", "paris rome"},
		{"nobody can take over from one that is lost", "paris rome!", "paris rome", "paris rome"},
		{"all are lost", "paris! rome! tokyo!", "paris tokyo", "paris tokyo"},
		{"one that refuses is not chosen", "oregon paris rome* tokyo", "", "paris tokyo"},
		{"one that refuses loses it", "oregon paris rome* tokyo", "paris rome", "paris tokyo"},
		{"one that refuses is named where there are too few", "paris rome*", "", "paris rome"},
		{"one that is lost and ran it goes before one that refuses", "paris rome* tokyo!", "paris tokyo", "paris tokyo"},
		{"one that refuses gives it to one that comes", "paris rome* tokyo?", "paris rome", "paris tokyo"},
		{"one that does not match any more is not kept", "oregon tokyo", "paris rome", "oregon tokyo"},
		{"one that was shut down is named where nobody else is", "paris! rome", "", "paris rome"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(place("web", 2, agentsOf(c.agents), strings.Fields(c.current)), " ")
			if got != c.want {
				t.Errorf("place(%q, runs on %q) = %q, want %q", c.agents, c.current, got, c.want)
			}
			if again := strings.Join(place("web", 2, agentsOf(c.agents), strings.Fields(got)), " "); again != got {
				t.Errorf("asked again: %q, before %q", again, got)
			}
		})
	}
}

// TestPlace_Spreads puts 1,000 monitors on 3 of 10 agents each. One that goes moves what
// ran on it and nothing else; when it is back, all is as before; one that joins gets its share.
func TestPlace_Spreads(t *testing.T) {
	const monitors, agents, some = 1000, 10, 3
	var all []candidate
	for i := range agents {
		all = append(all, candidate{id: fmt.Sprintf("agent-%d", i)})
	}
	begin, now := map[string][]string{}, map[string][]string{}
	decide := func() (moved int) {
		for i := range monitors {
			name := fmt.Sprintf("web-%d", i)
			next := place(name, some, all, now[name])
			if now[name] != nil {
				for _, id := range now[name] {
					if !slices.Contains(next, id) {
						moved++
					}
				}
			}
			now[name] = next
		}
		return moved
	}
	loads := func() map[string]int {
		n := map[string]int{}
		for _, ids := range now {
			for _, id := range ids {
				n[id]++
			}
		}
		return n
	}
	decide()
	for id, n := range loads() {
		if n < 240 || n > 360 {
			t.Errorf("%s runs %d, want about 300", id, n)
		}
	}
	maps.Copy(begin, now)
	had := loads()["agent-4"]
	all[4].is = missing
	if moved := decide(); moved != 0 {
		t.Errorf("%d moved while agent-4 was missing", moved)
	}
	all[4].is = lost
	if moved := decide(); moved != had {
		t.Errorf("%d moved when agent-4 was lost, want the %d that ran there", moved, had)
	}
	for id, n := range loads() {
		if id == "agent-4" || n < 270 || n > 400 {
			t.Errorf("%s runs %d without agent-4, want about 333", id, n)
		}
	}
	all[4].is = fresh
	if moved := decide(); moved != 0 {
		t.Errorf("%d moved as soon as agent-4 was back", moved)
	}
	all[4].is = steady
	if moved := decide(); moved != had {
		t.Errorf("%d moved when agent-4 was back for long, want %d", moved, had)
	}
	for name, ids := range begin {
		if !slices.Equal(ids, now[name]) {
			t.Errorf("%s runs on %v, before on %v", name, now[name], ids)
		}
	}
	all = append(all, candidate{id: "agent-10"})
	moved := decide()
	if got := loads()["agent-10"]; got != moved || got < 210 || got > 340 {
		t.Errorf("a new agent runs %d, and %d moved, want about 273", got, moved)
	}
}

func BenchmarkPlace(b *testing.B) {
	var all []candidate
	for i := range 100 {
		all = append(all, candidate{id: fmt.Sprintf("agent-%d", i)})
	}
	for b.Loop() {
		place("web", 3, all, nil)
	}
}
