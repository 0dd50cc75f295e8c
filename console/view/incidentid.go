package view

import (
	"slices"
	"strings"
)

// shortLeast is how long the short form of an incident's id is at least.
const shortLeast = 4

// hashLength is that of the last part of an id: the judge's are NAME-HASH.
const hashLength = 16

// ShortIDs are ids of incidents as people read and type them: the first digits of the
// part behind the name, as few as no other of them has, and four at least.
func ShortIDs(ids []string) map[string]string {
	tails := make([]string, len(ids))
	for i, id := range ids {
		tails[i] = shortPart(id)
	}
	slices.Sort(tails)
	tails = slices.Compact(tails)
	need := make(map[string]int, len(tails))
	for i, t := range tails {
		n := shortLeast
		for _, k := range [...]int{i - 1, i + 1} {
			if k >= 0 && k < len(tails) {
				n = max(n, common(t, tails[k])+1)
			}
		}
		need[t] = min(n, len(t))
	}
	out := make(map[string]string, len(ids))
	for _, id := range ids {
		t := shortPart(id)
		if out[id] = t[:need[t]]; t == id {
			out[id] = id // it has no such part
		}
	}
	return out
}

// MatchIDs are the ids that a person may mean by text: the id itself alone, else all
// that begin so, or whose part behind the name does.
func MatchIDs(ids []string, text string) []string {
	if slices.Contains(ids, text) {
		return []string{text}
	}
	var out []string
	for _, id := range ids {
		if text != "" && (strings.HasPrefix(id, text) || strings.HasPrefix(shortPart(id), text)) {
			out = append(out, id)
		}
	}
	return out
}

// shortPart is what of an id is shortened: the hash at its end, or, of one that has
// none, all of it.
func shortPart(id string) string {
	i := len(id) - hashLength
	if i < 1 || id[i-1] != '-' {
		return id
	}
	for _, c := range []byte(id[i:]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return id
		}
	}
	return id[i:]
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
