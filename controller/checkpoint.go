package controller

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

// A checkpoint is what a judge needs to continue from: its shards, each in one or more
// messages on judge.state.<shard>.<part>, and the head on judge.state.head, which says
// which of them belong together. They are written as one atomic batch, of which the
// head's number fences whoever wrote the previous one.
const (
	checkpointHead   = wire.JudgeHead
	checkpointPrefix = "judge.state."
	checkpointFormat = 1
	checkpointHeader = "Netmon-Checkpoint" // which checkpoint wrote a part
	checkpointPart   = 512 << 10           // bytes of a part, at most
	checkpointWithin = 5 * time.Second     // for the broker to take one, before it is checked whether it did

	// All shards are written so often, counted in checkpoints, also those that did not
	// change: the oldest messages of the stream are the first to go.
	checkpointWhole = 720
)

// position is how far the judge has read.
type position struct {
	At       time.Time `json:"at"`       // of the newest that it was given
	Results  uint64    `json:"results"`  // number of the last result
	Created  time.Time `json:"created"`  // the life of the stream of results
	Beat     time.Time `json:"beat"`     // of the last heartbeat
	Store    string    `json:"store"`    // the life of the bucket of monitors
	Revision uint64    `json:"revision"` // of the bucket

	Judged []wire.Judged `json:"judged,omitempty"` // times in which verdicts hold, the last ones; for readers, too
}

// head is what judge.state.head says.
type head struct {
	Format   int            `json:"format"`
	By       string         `json:"by"` // one life of a judge
	Number   uint64         `json:"number"`
	Position position       `json:"position"`
	Shards   map[int]shards `json:"shards"` // those that there are
}

// shards says in which messages a shard is.
type shards struct {
	Parts int    `json:"parts"`
	Mark  string `json:"mark"` // of the checkpoint that wrote them
}

func (h *head) mark() string { return h.By + "-" + strconv.FormatUint(h.Number, 10) }

// keeper writes the checkpoints of one judge.
type keeper struct {
	js   jetstream.JetStream
	log  *slog.Logger
	head head
	over uint64         // number in the stream of the head before
	kept map[int][]byte // each shard as it was written last
}

// errNoCheckpoint says that there is none.
var errNoCheckpoint = errors.New("there is no checkpoint")

// load reads the last checkpoint. After an error that is not errNoCheckpoint there is
// one, and it cannot be read: the next one is written over it anyway.
func (k *keeper) load(ctx context.Context) (list []judge.Shard, at position, err error) {
	k.head, k.kept = head{By: rand.Text(), Shards: map[int]shards{}}, map[int][]byte{}
	for range 5 { // while it is read, another one may be written
		var last jetstream.RawStreamMsg
		if last, err = retry.Get(ctx, k.js.Conn(), func(ctx context.Context) (jetstream.RawStreamMsg, error) {
			return lastOf(ctx, k.js, wire.VerdictsStream, checkpointHead)
		}); err != nil {
			return nil, at, err
		}
		k.over = last.Sequence
		if last.Sequence == 0 {
			return nil, at, errNoCheckpoint
		}
		var h head
		if err = json.Unmarshal(last.Data, &h); err != nil {
			return nil, at, fmt.Errorf("its head: %w", err)
		}
		k.head.Number = h.Number
		if len(h.Shards) == 0 {
			return nil, at, errNoCheckpoint // somebody began, and came no further
		}
		if h.Format != checkpointFormat {
			return nil, at, fmt.Errorf("it is of format %d, and this netmon reads %d", h.Format, checkpointFormat)
		}
		var kept map[int][]byte
		if kept, err = k.parts(ctx, h); err != nil {
			continue
		}
		list = nil
		for i, data := range kept {
			list = append(list, judge.Shard{Index: i, Data: data})
		}
		k.kept, k.head.Shards = kept, h.Shards
		return list, h.Position, nil
	}
	return nil, at, err
}

// parts reads the shards that a head lists.
func (k *keeper) parts(ctx context.Context, h head) (map[int][]byte, error) {
	t, err := tail.Open(ctx, k.js, wire.VerdictsStream, tail.From{Subjects: []string{checkpointPrefix + "*.*"}, Last: true})
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	got := map[string][]byte{}
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return nil, err
		}
		got[m.Header.Get(checkpointHeader)+" "+strings.TrimPrefix(m.Subject, checkpointPrefix)] = m.Data
		if meta.NumPending == 0 {
			break
		}
	}
	all := map[int][]byte{}
	for i, s := range h.Shards {
		var parts [][]byte
		for part := range s.Parts {
			data, ok := got[fmt.Sprintf("%s %d.%d", s.Mark, i, part)]
			if !ok {
				return nil, fmt.Errorf("part %d of shard %d is missing", part, i)
			}
			parts = append(parts, data)
		}
		all[i] = joinParts(parts)
	}
	return all, nil
}

// save writes a checkpoint, and keeps trying until it is stored, ctx ends, or
// somebody else wrote one.
func (k *keeper) save(ctx context.Context, list []judge.Shard, at position) error {
	k.head.Format, k.head.Position = checkpointFormat, at
	k.head.Number++
	changed := map[int]bool{}
	for _, s := range list {
		k.kept[s.Index], changed[s.Index] = s.Data, true
	}
	var messages []*nats.Msg
	for i, data := range k.kept {
		if !changed[i] && k.head.Number%checkpointWhole != 0 {
			continue
		}
		s := shards{Mark: k.head.mark()}
		for _, part := range splitParts(data, checkpointPart) {
			m := newest(fmt.Sprintf("%s%d.%d", checkpointPrefix, i, s.Parts), part)
			m.Header.Set(checkpointHeader, s.Mark)
			messages = append(messages, m)
			s.Parts++
		}
		k.head.Shards[i] = s
	}
	data, err := json.Marshal(k.head)
	if err != nil {
		return err
	}
	return untilStored(ctx, k.log, "could not store the judge's checkpoint yet", func() error {
		sequence, err := k.batch(ctx, messages, data)
		if err != nil { // it may be stored anyway
			sequence, err = k.stored(ctx, data, err)
		}
		if err == nil {
			k.over = sequence
		}
		return err
	})
}

// batch sends messages and the head, of which the broker stores all or none.
func (k *keeper) batch(ctx context.Context, messages []*nats.Msg, data []byte) (sequence uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	return publishBatch(ctx, k.js.Conn(), messages, newest(checkpointHead, data), k.over)
}

// stored checks whether the head is there after all. Another one is somebody else's.
func (k *keeper) stored(ctx context.Context, data []byte, why error) (sequence uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkpointWithin)
	defer cancel()
	there, err := lastOf(ctx, k.js, wire.VerdictsStream, checkpointHead)
	switch {
	case err != nil:
		return 0, err
	case there.Sequence > 0 && bytes.Equal(there.Data, data):
		return there.Sequence, nil
	case there.Sequence == 0: // pushed out
		k.over = 0
	case there.Sequence != k.over:
		return 0, errFenced
	}
	return 0, why
}
