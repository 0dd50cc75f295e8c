// Package plural gives numbers the form of the word that goes with them.
package plural

import "fmt"

// Number is a count of things.
type Number interface{ ~int | ~int64 | ~uint64 }

// Count is a number with its word: 1 agent, 2 agents.
func Count[N Number](n N, one, many string) string {
	return fmt.Sprintf("%d %s", n, Of(n, one, many))
}

// Of is the form of a word that goes with so many.
func Of[N Number](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
