package console

import (
	"maps"
	"slices"
)

// Changes compares a list with what it was the time before. The zero value has seen
// nothing: the first list is all new.
type Changes[T any] struct {
	known map[string]T
	looks map[string]string // of each, as it was
}

// Next returns the items that are new or look different from before, in their order,
// and those that are gone, by name.
func (c *Changes[T]) Next(items []T, name, look func(T) string) (changed, gone []T) {
	known, looks := make(map[string]T, len(items)), make(map[string]string, len(items))
	for _, it := range items {
		n, is := name(it), look(it)
		if was, ok := c.looks[n]; !ok || was != is {
			changed = append(changed, it)
		}
		known[n], looks[n] = it, is
	}
	for _, n := range slices.Sorted(maps.Keys(c.known)) {
		if _, ok := known[n]; !ok {
			gone = append(gone, c.known[n])
		}
	}
	c.known, c.looks = known, looks
	return changed, gone
}
