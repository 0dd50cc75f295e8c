package console

import (
	"context"
	"encoding/json"

	"netmon/wire"
)

// editions counts the entries of one key, the oldest first. What is saved says which
// edition it is, since only the newest 64 are kept. A deletion holds nothing, and what an
// older netmon saved says nothing: these are one more than the previous entry.
type editions uint64

// of is the edition of the next entry; said is what an entry says of itself, 0 for nothing.
func (n *editions) of(e entry, said func(entry) uint64) uint64 {
	*n = max(*n+1, editions(said(e)))
	return uint64(*n)
}

// inData is the edition that a monitor has in its data. What cannot be read has none.
func inData(e entry) uint64 {
	var stored struct {
		Edition uint64 `json:"edition"`
	}
	if e.deleted() || json.Unmarshal(e.data, &stored) != nil {
		return 0
	}
	return stored.Edition
}

// inHeader is the edition that a setting has beside its data.
func inHeader(e entry) uint64 { return wire.ParseEdition(e.header.Get(wire.EditionHeader)) }

// edition is that of what is under a key at a revision, 0 of what never was. read is
// what it said itself when it was read. A revision of 0 is one that is new, or
// comes back: then it counts on from its deletion.
func (b *bucket) edition(ctx context.Context, key string, revision, read uint64, said func(entry) uint64) (uint64, error) {
	if revision != 0 && read != 0 {
		return read, nil
	}
	if revision == 0 {
		if _, ok, err := b.last(ctx, key); err != nil || !ok {
			return 0, err
		}
	}
	var n editions
	err := b.history(ctx, key, func(e entry) { n.of(e, said) })
	return uint64(n), err
}

// author is who made an entry that has no data to say it: as they said themselves, or,
// where the mesh has identities, as it was accepted.
func (e entry) author() string {
	var a wire.Accepted
	if json.Unmarshal([]byte(e.header.Get(wire.AcceptedHeader)), &a) == nil && a.By != "" {
		return a.By
	}
	return wire.Clip(e.header.Get(authorHeader), wire.MaxAuthor)
}
