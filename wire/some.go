package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxSome is how many agents "N of AGENTS" may ask for.
const MaxSome = 500

// ParsePlacement reads where a monitor runs, as a person gives it to --on: what
// [ParseSelectors] reads, or N of that, such as "3 of region=eu", "2 of paris,tokyo,rome"
// or "3 of all". N is 1 to [MaxSome]; the leading controller chooses the agents.
func ParsePlacement(text string) (Selectors, error) {
	if !isSome(text) {
		return ParseSelectors(text)
	}
	n, of, err := splitSome(text)
	if err != nil {
		return nil, err
	}
	return Selectors{someText(n, of)}, nil
}

// IsSome says whether it asks for a number of agents of those that match.
func (s Selectors) IsSome() bool { return len(s) == 1 && isSome(s[0]) }

// Some is how many agents are asked for, and of which. n is 0 where s does not ask for a
// number of agents, or is not valid.
func (s Selectors) Some() (n int, of Selectors) {
	if !s.IsSome() {
		return 0, nil
	}
	n, of, err := splitSome(s[0])
	if err != nil {
		return 0, nil
	}
	return n, of
}

// isSome says whether a selector is, or is meant to be, N of AGENTS.
func isSome(sel string) bool {
	if strings.IndexByte(sel, ' ') < 0 {
		return false
	}
	words := strings.Fields(sel)
	if len(words) < 2 || strings.ContainsAny(words[0], "=,;") {
		return false
	}
	return words[1] == "of" || strings.Trim(words[0], "-+0123456789") == ""
}

// splitSome reads N of AGENTS.
func splitSome(sel string) (n int, of Selectors, err error) {
	const right = "want N of AGENTS, such as 3 of region=eu or 2 of all"
	words := strings.Fields(sel)
	n, err = strconv.Atoi(words[0])
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, nil, fmt.Errorf("%s: N is a whole number from 1 to %d, got %q", right, MaxSome, Clip(sel, 2*MaxToken))
	case err != nil || n < 1 || n > MaxSome:
		return 0, nil, fmt.Errorf("%s, with N from 1 to %d, got %q", right, MaxSome, Clip(sel, 2*MaxToken))
	case words[1] != "of":
		return 0, nil, fmt.Errorf("%s, got %q", right, Clip(sel, 2*MaxToken))
	case len(words) == 2:
		return 0, nil, fmt.Errorf("%s: it does not say of which agents, got %q", right, Clip(sel, 2*MaxToken))
	}
	_, rest, _ := strings.Cut(sel, "of")
	if isSome(rest) {
		return 0, nil, fmt.Errorf("%s: it has two numbers of agents, got %q", right, Clip(sel, 2*MaxToken))
	}
	if of, err = ParseSelectors(rest); err != nil {
		var p Problems
		for _, e := range FieldErrors(err) {
			p.Add("", e.Err)
		}
		return 0, nil, fmt.Errorf("%s, got %q: %w", right, Clip(sel, 2*MaxToken), p.Err())
	}
	return n, of, nil
}

func someText(n int, of Selectors) string { return fmt.Sprintf("%d of %s", n, of) }

// asPlacement gives N of AGENTS its one form. What is not valid stays as it is.
func (s Selectors) asPlacement() Selectors {
	if n, of := s.Some(); n > 0 {
		return Selectors{someText(n, of)}
	}
	return s
}

// notSome refuses N of AGENTS where no monitor is placed by it.
func notSome(sel string) error {
	return fmt.Errorf("want all, ids or label=value: a number of agents is possible only where a monitor is placed (netmon add --on, agents in a file), got %q", Clip(sel, 2*MaxToken))
}

// Rank orders agents by how well they suit a monitor, the best first, by rendezvous
// hashing: each monitor has an order of its own, so that different monitors spread over
// the agents, and an agent that comes or goes does not change the order of the others. It
// is the same in all versions.
func Rank(monitor string, agents []string) []string {
	type ranked struct {
		id     string
		weight uint64
	}
	list := make([]ranked, len(agents))
	for i, id := range agents {
		list[i] = ranked{id, rankWeight(monitor, id)}
	}
	slices.SortFunc(list, func(a, b ranked) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return strings.Compare(a.id, b.id)
	})
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.id
	}
	return out
}

// rankWeight is FNV-1a of both names, mixed: FNV alone hardly changes the upper bits by
// the last bytes, and agents are often called a-1, a-2.
func rankWeight(monitor, agent string) uint64 {
	x := uint64(14695981039346656037)
	for i := range len(monitor) {
		x = (x ^ uint64(monitor[i])) * 1099511628211
	}
	x *= 1099511628211 // a zero byte between the two
	for i := range len(agent) {
		x = (x ^ uint64(agent[i])) * 1099511628211
	}
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// LastSelector is where the last selector begins in what a person types so far for
// [ParsePlacement].
func LastSelector(text string) int {
	at := strings.LastIndexAny(text, ",;") + 1
	if i := strings.LastIndex(text, " of "); i >= 0 && isSome(text) {
		at = max(at, i+len(" of "))
	}
	return at
}
