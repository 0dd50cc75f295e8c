package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"netmon/wire"
)

// ErrLater says that a later netmon saved something of which this one does not know all. Saving
// over it would lose that without a word.
var ErrLater = errors.New("was saved by a later netmon, and this one would lose a part of it")

// keepsAll is an ErrLater where what is saved under a key at a revision has fields that blank, a
// pointer to its type, has not. A revision of 0 replaces nothing. What is not there, or is
// another revision by now, is for the save to refuse.
func (b *bucket) keepsAll(ctx context.Context, key string, revision uint64, blank any) error {
	if revision == 0 {
		return nil
	}
	e, ok, err := b.last(ctx, key)
	if err != nil {
		return noMesh("read what is saved", err)
	}
	if !ok || e.deleted() || e.revision != revision {
		return nil
	}
	if fields := wire.UnknownFields(e.data, blank); len(fields) > 0 {
		return fmt.Errorf("it %w, %s: update netmon here", ErrLater, strings.Join(fields, ", "))
	}
	return nil
}
