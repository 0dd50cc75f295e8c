package judge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// fact is one thing that the judge is given: one of them is set.
type fact struct {
	at       time.Time // when it was stored
	saved    *wire.Saved
	deleted  string
	alive    *wire.Alive
	result   *wire.Result
	measured time.Time
	gap      time.Time // nothing could be heard from then until at
}

func (f *fact) apply(j *judge.Judge) {
	switch {
	case f.saved != nil:
		j.Monitor(*f.saved, f.at)
	case f.alive != nil:
		j.Presence(*f.alive, f.at)
	case f.result != nil:
		j.Result(f.result, f.measured, f.at)
	case !f.gap.IsZero():
		if g, ok := any(j).(interface{ Gap(from, to time.Time) }); ok {
			g.Gap(f.gap, f.at)
		}
	default:
		j.Delete(f.deleted, f.at)
	}
}

// replays gives the facts of a world to another judge, and reports where that one comes
// to other verdicts than the one that lived through it. It is given the facts alone, and
// looks at its timers only then; it is killed now and then, and continues from its last
// checkpoint; and it is given results twice, as a stream delivers them again.
func replays(w *world, rng *rand.Rand) error {
	lived := make([]string, len(w.said))
	for i, x := range w.said {
		lived[i] = text(x.Change)
	}
	err := compare("that is restored and told twice", lived, (&replay{rng: rng, dies: true, twice: true}).run(w))
	if err == nil {
		return nil
	}
	// Which of the three it is.
	return cmp.Or(
		compare("told the facts alone", lived, new(replay).run(w)),
		compare("killed and restored", lived, (&replay{rng: rng, dies: true}).run(w)),
		compare("told results twice", lived, (&replay{rng: rng, twice: true}).run(w)),
		err)
}

func compare(how string, lived, got []string) error {
	for i := range max(len(lived), len(got)) {
		switch {
		case i >= len(lived):
			return fmt.Errorf("a judge %s says more: %s", how, got[i])
		case i >= len(got):
			return fmt.Errorf("a judge %s does not say %s", how, lived[i])
		case lived[i] != got[i]:
			return fmt.Errorf("a judge %s says\n%s, not\n%s", how, got[i], lived[i])
		}
	}
	return nil
}

// replay is a judge that reads facts again.
type replay struct {
	rng   *rand.Rand
	dies  bool
	twice bool

	judge  *judge.Judge
	said   []string
	shards map[int]judge.Shard // the newest of each part, as a stream keeps them
	fact   int                 // that the checkpoint was made before
	kept   int                 // verdicts that were said before it

	deleted int // the last fact that deleted a monitor
}

func (r *replay) run(w *world) []string {
	r.judge, r.shards = judge.New(), map[int]judge.Shard{}
	for i := 0; i < len(w.told); i++ {
		if r.dies {
			i = r.perhapsDie(i, len(w.told))
		}
		w.told[i].apply(r.judge)
		r.listen()
		if w.told[i].deleted != "" {
			r.deleted = i // what was known of it is forgotten, its results too
		}
		if r.twice && r.rng.IntN(4) == 0 {
			again := max(i-r.rng.IntN(30), r.deleted)
			if f := w.told[again]; f.result != nil {
				f.apply(r.judge)
				r.listen()
			}
		}
	}
	if !w.down {
		r.judge.Advance(began.Add(w.now))
	}
	r.listen()
	return r.said
}

// perhapsDie writes a checkpoint now and then, and dies a few times in all: the next
// judge begins with the fact after the checkpoint, which is returned.
func (r *replay) perhapsDie(i, of int) int {
	if r.rng.IntN(of) < 6 {
		for _, s := range r.judge.Checkpoint() {
			r.shards[s.Index] = s
		}
		r.fact, r.kept = i, len(r.said)
	}
	if r.rng.IntN(of) >= 3 || len(r.shards) == 0 {
		return i
	}
	next, err := judge.Restore(all(r.shards))
	if err != nil {
		r.said = append(r.said, "restore: "+err.Error())
		return i
	}
	r.judge, r.said = next, r.said[:r.kept]
	return r.fact
}

func all(shards map[int]judge.Shard) (list []judge.Shard) {
	for _, index := range keys(shards) {
		list = append(list, shards[index])
	}
	return list
}

func (r *replay) listen() {
	for _, c := range r.judge.Changes() {
		r.said = append(r.said, text(c))
	}
	r.judge.Asks()
}

func text(c judge.Change) string {
	b, err := json.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
