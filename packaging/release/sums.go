package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
)

// sums are the checksums of what is published.
type sums []sum

type sum struct {
	name string
	size int
	hash [sha256.Size]byte
}

func (s *sums) add(name string, data []byte) {
	*s = append(*s, sum{name, len(data), sha256.Sum256(data)})
	slices.SortFunc(*s, func(a, b sum) int { return cmp.Compare(a.name, b.name) })
}

// of is the checksum of a file, "" for none.
func (s sums) of(name string) string {
	i := slices.IndexFunc(s, func(s sum) bool { return s.name == name })
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("%x", s[i].hash)
}

// text is what sha256sum -c reads.
func (s sums) text() []byte {
	var b bytes.Buffer
	for _, s := range s {
		fmt.Fprintf(&b, "%x  %s\n", s.hash, s.name)
	}
	return b.Bytes()
}
