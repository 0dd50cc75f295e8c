package judge

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/wire"
)

// fact is one call of a judge.
type fact func(j *Judge)

// randomFacts is a stream of facts that has a bit of everything.
func randomFacts(seed uint64, n int) []fact {
	r := rand.New(rand.NewPCG(seed, 1))
	agents := []string{"paris", "tokyo", "oregon", "lima"}
	names := []string{"gateway", "web", "mail", "dns", "ntp", "home"}
	failures := []wire.Failure{wire.FailTimeout, wire.FailRefused, wire.FailCertificate, wire.FailNoSuchHost, wire.FailSlow}
	quorums := []wire.Quorum{{}, {Kind: wire.QuorumAny}, {Kind: wire.QuorumAll}, {Kind: wire.QuorumNumber, N: 2}, {Kind: wire.QuorumDistinct, Label: "region", N: 2}}
	now, rev := begin, uint64(0)
	saved := map[string]wire.Saved{}
	seq, run := map[string]uint64{}, map[string]uint64{}
	mood := map[string]bool{} // monitors and agents that are bad for a while
	var out []fact
	var asks []string
	save := func(name string) {
		rev++
		m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: name + ".example:80", Every: wire.Duration(time.Second * time.Duration(1+r.IntN(20))), Revision: rev}}
		if r.IntN(3) == 0 {
			m.Target = fmt.Sprintf("%s.example:%d", name, r.IntN(3))
		}
		if name != "gateway" && r.IntN(2) == 0 {
			m.DependsOn = []string{"gateway"}
		}
		m.Verdict = &wire.Rule{Quorum: quorums[r.IntN(len(quorums))]}
		m.Paused = r.IntN(10) == 0
		saved[name] = m
		at := now
		out = append(out, func(j *Judge) { j.Monitor(m, at) })
	}
	beat := func(a string) {
		alive := wire.Alive{Agent: a, At: now, Labels: map[string]string{"region": a[:1]}, Leaving: r.IntN(60) == 0, Gone: r.IntN(200) == 0}
		if r.IntN(20) == 0 {
			alive.At = now.Add(time.Hour)
		}
		at := now
		out = append(out, func(j *Judge) { j.Presence(alive, at) })
	}
	result := func(name, a string) {
		seq[a]++
		run[a+name]++
		res := wire.Result{Agent: a, Monitor: name, Epoch: "e", Seq: seq[a], Run: run[a+name], Started: now, Outcome: wire.OK, Revision: saved[name].Revision, Summary: "fine"}
		switch x := r.IntN(100); {
		case mood[name] || mood[a] || x < 4:
			res.Outcome, res.Failure, res.Error = wire.Failed, failures[r.IntN(len(failures))], "it failed"
		case x < 8:
			res.Outcome, res.Failure = wire.Broken, wire.BrokenSecret
		case x == 8:
			res.Covers = uint64(r.IntN(5))
		case x == 9 && len(asks) > 0:
			res.Asked = asks[r.IntN(len(asks))]
		}
		at, measured := now, now.Add(-time.Duration(r.IntN(2000))*time.Millisecond)
		if r.IntN(50) == 0 {
			res.LateNS = int64(time.Duration(r.IntN(200)) * time.Second)
			measured = now.Add(-time.Duration(res.LateNS))
		}
		f := func(j *Judge) { j.Result(&res, measured, at) }
		out = append(out, f)
		if r.IntN(20) == 0 {
			out = append(out, f) // it comes twice
		}
	}
	for _, a := range agents {
		beat(a)
	}
	for _, name := range names {
		save(name)
	}
	for len(out) < n {
		step := time.Duration(r.IntN(1500)) * time.Millisecond
		switch r.IntN(300) {
		case 0:
			step = time.Duration(r.IntN(100)) * time.Second
		case 1:
			step = time.Duration(r.IntN(20)) * time.Minute
		}
		now = now.Add(step)
		switch x := r.IntN(100); {
		case x == 0:
			save(names[r.IntN(len(names))])
		case x == 1 && r.IntN(4) == 0:
			name, at := names[r.IntN(len(names))], now
			out = append(out, func(j *Judge) { j.Delete(name, at) })
		case x < 4:
			mood[names[r.IntN(len(names))]] = r.IntN(3) == 0
		case x == 4:
			mood[agents[r.IntN(len(agents))]] = r.IntN(4) == 0
		case x < 8:
			at := now
			out = append(out, func(j *Judge) { j.Advance(at) })
		case x < 25:
			beat(agents[r.IntN(len(agents))])
		default:
			result(names[r.IntN(len(names))], agents[r.IntN(len(agents))])
		}
	}
	return out
}

// said is all that a judge says after a fact, byte for byte.
func said(t *testing.T, j *Judge) string {
	t.Helper()
	data, err := json.Marshal(struct {
		C []Change
		A []Ask
	}{j.Changes(), j.Asks()})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRestore_GoesOnTheSame cuts random streams of facts at random points: a judge that
// is restored there says the same as one that ran through.
func TestRestore_GoesOnTheSame(t *testing.T) {
	need.Time(t)
	cuts := 0
	for seed := range uint64(4) {
		facts := randomFacts(seed, 2000)
		r := rand.New(rand.NewPCG(seed, 2))
		through, cut := New(), New()
		parts := map[int][]byte{}
		for i, f := range facts {
			f(through)
			f(cut)
			if a, b := said(t, through), said(t, cut); a != b {
				t.Fatalf("seed %d, fact %d:\nthrough %s\nrestored %s", seed, i, a, b)
			}
			if r.IntN(10) > 0 {
				continue
			}
			for _, s := range cut.Checkpoint() {
				parts[s.Index] = s.Data
			}
			if r.IntN(3) > 0 {
				continue
			}
			var shards []Shard
			for i, data := range parts {
				shards = append(shards, Shard{i, data})
			}
			restored, err := Restore(shards)
			if err != nil {
				t.Fatalf("seed %d, fact %d: %v", seed, i, err)
			}
			cut = restored
			cuts++
		}
	}
	t.Logf("%d cuts", cuts)
}

// TestAdvance_InWhateverPortions: that the time is given between facts changes nothing
// of what is said, and when.
func TestAdvance_InWhateverPortions(t *testing.T) {
	for seed := range uint64(3) {
		a, b := New(), New()
		var saidA, saidB []string
		for _, f := range randomFacts(seed, 2000) {
			f(a)
			for next := b.Next(); !next.IsZero() && b.now < a.now && momentOf(next) < a.now; next = b.Next() {
				b.Advance(next)
			}
			f(b)
			x, _ := json.Marshal([]any{a.Changes(), a.Asks()})
			y, _ := json.Marshal([]any{b.Changes(), b.Asks()})
			saidA, saidB = append(saidA, string(x)), append(saidB, string(y))
		}
		for i := range saidA {
			if saidA[i] != saidB[i] {
				t.Fatalf("seed %d, fact %d:\n%s\n%s", seed, i, saidA[i], saidB[i])
			}
		}
	}
}

// TestCompare_FollowsFromTheRest: who reaches what is not in a checkpoint, so it has
// to be at any time what it would be found to be.
func TestCompare_FollowsFromTheRest(t *testing.T) {
	for seed := range uint64(3) {
		j := New()
		for i, f := range randomFacts(seed, 2000) {
			f(j)
			for _, m := range j.sorted() {
				held := make([]reach, len(m.Series))
				for k, s := range m.Series {
					held[k] = s.reach
				}
				j.compare(m)
				for k, s := range m.Series {
					if s.reach != held[k] {
						t.Fatalf("seed %d, fact %d: %s on %s was %d, and is %d", seed, i, m.Name, s.a.id, held[k], s.reach)
					}
				}
			}
		}
	}
}

func FuzzRestore(f *testing.F) {
	j := New()
	for _, fact := range randomFacts(1, 500) {
		fact(j)
	}
	j.Changes()
	for _, s := range j.Checkpoint() {
		f.Add(s.Index, s.Data)
	}
	f.Add(0, []byte(`[{"saved":{"name":"web"}}]`))
	f.Fuzz(func(t *testing.T, index int, data []byte) {
		j, err := Restore([]Shard{{index, data}})
		if err != nil {
			return
		}
		for _, f := range randomFacts(2, 50) {
			f(j)
		}
		j.Checkpoint()
	})
}
