package controller

import (
	"bytes"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/judge"
	"netmon/wire"
)

func checkpointing(t *testing.T, nc *nats.Conn) *keeper {
	return &keeper{js: natstest.JetStream(t, nc), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// loaded reads the last checkpoint, in order.
func (k *keeper) loaded(t *testing.T) ([]judge.Shard, position, error) {
	t.Helper()
	list, at, err := k.load(t.Context())
	slices.SortFunc(list, func(a, b judge.Shard) int { return a.Index - b.Index })
	return list, at, err
}

// random is data that does not compress.
func random(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	data := make([]byte, n)
	r.Read(data)
	return data
}

func TestKeeper_GoesOnFromTheLast(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	k := checkpointing(t, nc)
	if _, _, err := k.loaded(t); !errors.Is(err, errNoCheckpoint) {
		t.Fatalf("%v, want that there is none", err)
	}
	if err := k.save(t.Context(), nil, position{}); err != nil { // it begins
		t.Fatal(err)
	}
	if _, _, err := checkpointing(t, nc).loaded(t); !errors.Is(err, errNoCheckpoint) {
		t.Fatalf("%v, want that there is none", err)
	}
	large := random(3*checkpointPart + 1)
	save := func(results uint64, list ...judge.Shard) {
		t.Helper()
		if err := k.save(t.Context(), list, position{Results: results}); err != nil {
			t.Fatal(err)
		}
	}
	save(7, judge.Shard{Index: 0, Data: []byte(`{"a":1}`)}, judge.Shard{Index: 5, Data: large}, judge.Shard{Index: 64, Data: nil})
	save(9, judge.Shard{Index: 0, Data: []byte(`{"a":2}`)})
	save(11, judge.Shard{Index: 5, Data: large[1:]})
	other := checkpointing(t, nc)
	list, at, err := other.loaded(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || string(list[0].Data) != `{"a":2}` || !bytes.Equal(list[1].Data, large[1:]) || len(list[2].Data) != 0 || at.Results != 11 {
		t.Errorf("%d shards, %+v", len(list), at)
	}
	s, err := natstest.JetStream(t, nc).Stream(t.Context(), wire.VerdictsStream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter("judge.>"))
	if err != nil {
		t.Fatal(err)
	}
	for subject, n := range info.State.Subjects {
		if n != 1 {
			t.Errorf("%s is kept %d times", subject, n)
		}
	}
	// Whoever takes over fences the previous one, before it has anything to say.
	if err := other.save(t.Context(), nil, at); err != nil {
		t.Fatal(err)
	}
	if err := k.save(t.Context(), []judge.Shard{{Index: 0, Data: []byte(`{"a":3}`)}}, position{Results: 12}); !errors.Is(err, errFenced) {
		t.Errorf("%v, want that it is fenced", err)
	}
	if list, at, err := checkpointing(t, nc).loaded(t); err != nil || string(list[0].Data) != `{"a":2}` || at.Results != 11 {
		t.Errorf("%+v %v: who was fenced wrote", at, err)
	}
}

// TestKeeper_WholeOnceInAWhile: a shard that does not change is written again, since
// the oldest messages of the stream go first.
func TestKeeper_WholeOnceInAWhile(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	k := checkpointing(t, nc)
	k.loaded(t)
	k.head.Number = checkpointWhole - 2
	for _, list := range [][]judge.Shard{{{Index: 1, Data: []byte("1")}}, {{Index: 2, Data: []byte("2")}}} {
		if err := k.save(t.Context(), list, position{}); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := k.head.Shards[1].Mark, k.head.Shards[2].Mark; a != b {
		t.Errorf("shards of %s and %s", a, b)
	}
	if list, _, err := checkpointing(t, nc).loaded(t); err != nil || len(list) != 2 {
		t.Errorf("%v %v", list, err)
	}
}

func TestKeeper_CannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(*testing.T, jetstream.JetStream)
		want string
	}{
		"a part is gone": {func(t *testing.T, js jetstream.JetStream) {
			s, err := js.Stream(t.Context(), wire.VerdictsStream)
			if err == nil {
				err = s.Purge(t.Context(), jetstream.WithPurgeSubject("judge.state.3.0"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "part 0 of shard 3 is missing"},
		"a part is another one": {publishes("judge.state.3.0", "x"), "part 0 of shard 3 is missing"},
		"of a newer netmon":     {publishes(checkpointHead, `{"format":99,"shards":{"1":{}}}`), "format 99"},
		"no JSON":               {publishes(checkpointHead, `{`), "its head"},
	} {
		t.Run(name, func(t *testing.T) {
			nc := natstest.Connect(t, natstest.Start(t))
			k := checkpointing(t, nc)
			k.loaded(t)
			if err := k.save(t.Context(), []judge.Shard{{Index: 3, Data: []byte("{}")}}, position{Results: 1}); err != nil {
				t.Fatal(err)
			}
			c.harm(t, k.js)
			k = checkpointing(t, nc)
			if _, _, err := k.loaded(t); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			k.kept, k.head.Shards = map[int][]byte{}, map[int]shards{}
			if err := k.save(t.Context(), []judge.Shard{{Index: 4, Data: []byte("{}")}}, position{Results: 2}); err != nil {
				t.Fatal(err)
			}
			if list, at, err := checkpointing(t, nc).loaded(t); err != nil || len(list) != 1 || at.Results != 2 {
				t.Errorf("written over it: %v %+v %v", list, at, err)
			}
		})
	}
}

func publishes(subject, data string) func(*testing.T, jetstream.JetStream) {
	return func(t *testing.T, js jetstream.JetStream) {
		m := nats.NewMsg(subject)
		m.Data = []byte(data)
		m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}
