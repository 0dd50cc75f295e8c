package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// bucket is one of NATS's key-value buckets (its ADR-8) that people change, opened.
// Each key has its history; what is written replaces the revision that was read and
// no other, and is signed where the mesh has identities.
type bucket struct {
	c      *Client
	stream jetstream.Stream // under the bucket
	name   string
	what   string // it holds, for people, such as the saved monitors
	id     string // of this life of the stream
}

// Of NATS's key-value buckets.
const (
	headerOperation = "KV-Operation"
	opDelete        = "DEL"
)

// streamOf is the stream under a bucket, and prefixOf what comes before its keys.
func streamOf(bucket string) string { return "KV_" + bucket }
func prefixOf(bucket string) string { return "$KV." + bucket + "." }

func (c *Client) bucket(ctx context.Context, name, what string) (*bucket, error) {
	stream, err := c.open(ctx, streamOf(name))
	if err != nil {
		return nil, noMesh("open "+what, err)
	}
	return &bucket{c, stream, name, what, wire.StoreID(stream.CachedInfo().Created)}, nil
}

func (b *bucket) streamName() string { return streamOf(b.name) }
func (b *bucket) prefix() string     { return prefixOf(b.name) }

// entry is what is, or was, under a key.
type entry struct {
	key      string
	header   nats.Header
	data     []byte
	revision uint64
	at       time.Time // when it was stored
}

func (e entry) deleted() bool { return e.header.Get(headerOperation) != "" }

func (b *bucket) entry(m *nats.Msg, meta *nats.MsgMetadata) entry {
	return entry{strings.TrimPrefix(m.Subject, b.prefix()), m.Header, m.Data, meta.Sequence.Stream, meta.Timestamp}
}

// subjects are those of keys; none is all.
func (b *bucket) subjects(keys []string) []string {
	if len(keys) == 0 {
		return []string{b.prefix() + ">"}
	}
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = b.prefix() + key
	}
	return out
}

// each hands over what is stored under each key now. Keys may end with a wildcard; none
// is all.
func (b *bucket) each(ctx context.Context, keys []string, headersOnly bool, handle func(entry)) error {
	return b.read(ctx, "read "+b.what, tail.From{Subjects: b.subjects(keys), Last: true, HeadersOnly: headersOnly}, func(e entry) {
		if !e.deleted() {
			handle(e)
		}
	})
}

// history hands over the kept revisions of a key, the oldest first.
func (b *bucket) history(ctx context.Context, key string, handle func(entry)) error {
	return b.read(ctx, "read the history of "+key, tail.From{Subjects: b.subjects([]string{key})}, handle)
}

func (b *bucket) read(ctx context.Context, what string, from tail.From, handle func(entry)) error {
	t, err := tail.Open(ctx, b.c.js, b.streamName(), from)
	if err != nil {
		return noMesh(what, err)
	}
	defer t.Stop()
	for more := t.Left() > 0; more; {
		m, meta, err := t.Next()
		if err != nil {
			return noMesh(what, err)
		}
		more = meta.NumPending > 0
		handle(b.entry(m, meta))
	}
	return nil
}

// watch calls handle with what is stored under each key, then ready, and then handle with
// each change, until ctx ends. trouble, when not nil, is called with why nothing can be read
// although the broker is there, and nil when it can be again.
func (b *bucket) watch(ctx context.Context, keys []string, trouble func(error), ready func(), handle func(entry)) error {
	what := "watch " + b.what
	t, err := tail.Open(ctx, b.c.js, b.streamName(), tail.From{Subjects: b.subjects(keys), Last: true})
	if err != nil {
		return noMesh(what, err)
	}
	defer t.Stop()
	t.Trouble = troubles(what, trouble)
	life := t.Stream().Created
	ready = sync.OnceFunc(ready)
	if t.Left() == 0 {
		ready()
	}
	for read := uint64(1); ; read++ {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh(what, err)
		}
		if !t.Stream().Created.Equal(life) {
			return errors.New(what + ": the bucket was recreated")
		}
		handle(b.entry(m, meta))
		// One that is saved again while we read comes behind those that were there.
		if meta.NumPending == 0 || read >= 2*t.Left() {
			ready()
		}
	}
}

// last is what is stored under a key now, also that it was deleted; false where there
// never was anything.
func (b *bucket) last(ctx context.Context, key string) (entry, bool, error) {
	m, err := b.c.last(ctx, b.stream, b.prefix()+key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return entry{}, false, nil
	}
	if err != nil {
		return entry{}, false, err
	}
	return entry{key, m.Header, m.Data, m.Sequence, m.Time}, true, nil
}

// ErrNotAccepted says that the mesh did not let in what is saved: whoever signs
// it again would say it in their own name.
var ErrNotAccepted = errors.New("was not saved by anybody on this mesh")

// accepted says whether the mesh let in what is stored under a key, as we know it by the
// authority that we pinned.
func (b *bucket) accepted(e entry) error {
	if b.c.operators == nil {
		return nil
	}
	err := b.c.operators.Accepted(e.header.Get(wire.AcceptedHeader), b.prefix()+e.key, "", e.header.Get(wire.ProofHeader), e.data)
	if err != nil {
		return fmt.Errorf("revision %d %w (%w): look at it (nats kv history %s %s), and save it again if it should be so", e.revision, ErrNotAccepted, err, b.name, e.key)
	}
	return nil
}

// save writes under a key over a revision, 0 for one that is new or was deleted, and
// returns the new one. beside are further headers. A [retry.Conflict] means that somebody
// else wrote meanwhile.
func (b *bucket) save(ctx context.Context, key string, data []byte, over uint64, beside map[string]string) (uint64, error) {
	revision, err := b.put(ctx, key, "", data, over, beside)
	if over == 0 && retry.Conflict(err) {
		if e, _, lastErr := b.last(ctx, key); lastErr == nil && e.deleted() {
			return b.put(ctx, key, "", data, e.revision, beside)
		}
	}
	return revision, err
}

// authorHeader names who deleted something where nobody signs: a deletion has no data
// that could.
const authorHeader = "Netmon-Author"

// put writes over a revision, 0 for none, with further headers. What is written is signed, where the mesh
// has identities.
func (b *bucket) put(ctx context.Context, key, operation string, data []byte, over uint64, beside map[string]string) (uint64, error) {
	m := nats.NewMsg(b.prefix() + key)
	m.Data = data
	for name, value := range beside {
		m.Header.Set(name, value)
	}
	if operation != "" {
		m.Header.Set(headerOperation, operation)
		m.Header.Set(authorHeader, wire.Clip(b.c.author, wire.MaxAuthor))
	}
	if b.c.signer != nil {
		proof, err := b.c.signer.Sign(m.Subject, operation, data, wire.Proof{Store: b.id, Revision: over})
		if err != nil {
			return 0, err
		}
		m.Header.Set(wire.ProofHeader, proof)
	}
	return b.c.replace(ctx, b.streamName(), m, over)
}

// troubles says what could not be done beside each trouble of a tail.
func troubles(what string, tell func(error)) func(error) {
	if tell == nil {
		return nil
	}
	return func(err error) {
		if err != nil {
			err = noMesh(what, err)
		}
		tell(err)
	}
}

// newestFirst turns round what came in order.
func newestFirst[T any](list []T) []T {
	slices.Reverse(list)
	return list
}
