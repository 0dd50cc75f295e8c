package judge

import (
	"strings"
	"testing"

	"netmon/wire"
)

// TestQuorum: each letter is an agent: d finds it down, s slow, u up, w waits, b is
// blind, n silent, a aside. Agents are in the regions eu, us, ap, eu, us, ap ...
func TestQuorum(t *testing.T) {
	kinds := map[rune]voice{'d': saysDown, 's': saysSlow, 'u': saysUp, 'w': waiting, 'b': isBlind, 'n': isSilent, 'a': isAside}
	for _, c := range []struct {
		quorum, agents string
		want           wire.VerdictState
		need           int
	}{
		{"majority", "uuu", wire.VerdictUp, 2},
		{"majority", "duu", wire.VerdictDegraded, 2},
		{"majority", "ddu", wire.VerdictDown, 2},
		{"majority", "du", wire.VerdictDegraded, 2},
		{"majority", "dna", wire.VerdictDown, 1}, // the only one that is able decides
		{"majority", "una", wire.VerdictUp, 1},
		{"majority", "dwu", wire.VerdictDegraded, 2},
		{"majority", "www", wire.VerdictUnknown, 1},
		{"majority", "bna", wire.VerdictUnknown, 1},
		{"majority", "", wire.VerdictUnknown, 1},
		{"majority", "suu", wire.VerdictUp, 2},
		{"majority", "ssu", wire.VerdictDegraded, 2},
		{"majority", "sdu", wire.VerdictDegraded, 2},
		{"majority", "sww", wire.VerdictDegraded, 1},
		{"any", "duuu", wire.VerdictDown, 1},
		{"all", "ddu", wire.VerdictDegraded, 3},
		{"all", "ddda", wire.VerdictDown, 3},
		{"2", "duuu", wire.VerdictDegraded, 2},
		{"2", "dduu", wire.VerdictDown, 2},
		{"2", "da", wire.VerdictUnknown, 2}, // too few are left to say
		{"2", "ua", wire.VerdictUp, 2},
		{"60%", "ddduu", wire.VerdictDown, 3},
		{"60%", "dduuu", wire.VerdictDegraded, 3},
		{"region:2", "duuduu", wire.VerdictDegraded, 2}, // both are in eu
		{"region:2", "dduuuu", wire.VerdictDown, 2},
		{"region:3", "dd", wire.VerdictUnknown, 3},
	} {
		q, err := wire.ParseQuorum(c.quorum)
		if err != nil {
			t.Fatal(err)
		}
		var list tally
		for i, r := range c.agents {
			a := &agent{id: string('a' + rune(i)), Labels: map[string]string{"region": []string{"eu", "us", "ap"}[i%3]}}
			list[kinds[r]] = append(list[kinds[r]], &series{a: a})
		}
		if d := list.decide(q); d.state != c.want || d.need != c.need {
			t.Errorf("%s of %q: %s, need %d, want %s, %d", c.quorum, c.agents, d.state, d.need, c.want, c.need)
		}
	}
}

func TestHostOf(t *testing.T) {
	for target, want := range map[string]string{
		"https://User@Web.example:8443/x?y": "web.example",
		"web.example.:443":                  "web.example",
		"192.0.2.1":                         "192.0.2.1",
		"[2001:db8::1]:53":                  "2001:db8::1",
		"2001:db8::1":                       "2001:db8::1",
		"http://[2001:db8::1]/":             "2001:db8::1",
		"":                                  "",
		"://":                               "",
		"[":                                 "[",
	} {
		if got := hostOf(target); got != want {
			t.Errorf("hostOf(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for list, want := range map[string]string{
		"":                  "nobody",
		"paris":             "paris",
		"paris tokyo":       "paris and tokyo",
		"a b c d":           "a, b, c and d",
		"a b c d e":         "a, b, c and 2 more",
		"a b c d e f g h i": "a, b, c and 6 more",
	} {
		if got := names(strings.Fields(list)); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}
