package wire

import (
	"fmt"
	"strings"
)

// Nearest is the candidate that a misspelt word is most likely meant to be, "" where
// none is close: at most one letter in three is wrong, missing, too many or swapped with
// its neighbour, or the word is the beginning of one candidate alone.
func Nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	if word == "" || len(word) > MaxToken {
		return ""
	}
	best, least := "", 1+max(1, len(word)/3)
	if len(word) < 3 {
		least = 0 // one letter of two is another word
	}
	begins := ""
	for _, c := range candidates {
		if len(c) > MaxToken {
			continue
		}
		if d := distance(word, strings.ToLower(c)); d < least {
			best, least = c, d
		}
		if len(word) >= 3 && strings.HasPrefix(c, word) {
			if begins != "" {
				begins = "?" // several
				continue
			}
			begins = c
		}
	}
	if best == "" && begins != "?" {
		return begins
	}
	return best
}

// DidYouMean is the question about a misspelt word, ready to stand in a message: empty, or
// ": did you mean every?".
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" && near != word {
		return ": did you mean " + near + "?"
	}
	return ""
}

// Unknown says that a word is none of those that are known, and which one it is close to.
func Unknown(what, word string, known []string) error {
	hint := DidYouMean(word, known)
	if hint == "" {
		hint = ":"
	}
	return fmt.Errorf("unknown %s %q%s one of %s", what, Clip(word, 2*MaxToken), hint, strings.Join(known, ", "))
}

// distance counts the letters that are wrong, missing, too many or swapped (the
// Damerau-Levenshtein distance where no letter is changed twice).
func distance(a, b string) int {
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
