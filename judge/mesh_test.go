package judge

import (
	"testing"
	"time"

	"netmon/wire"
)

// TestMesh_AGapIsNeverUp: while nobody is heard verdicts stay as they are for two minutes,
// and are unknown then, until somebody measures again.
func TestMesh_AGapIsNeverUp(t *testing.T) {
	j, at := New(), time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	saved := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1", Every: wire.Duration(5 * time.Second), Revision: 1}}
	saved.Monitor = saved.WithDefaults()
	j.Monitor(saved, at)
	beat := func(at time.Time) { j.Presence(wire.Alive{Agent: "paris", At: at}, at) }
	seq := uint64(0)
	run := func(at time.Time) {
		seq++
		j.Result(&wire.Result{Agent: "paris", Monitor: "web", Epoch: "E", Seq: seq, Run: seq, Started: at, Outcome: wire.OK, Revision: 1}, at, at)
	}
	state := func(after time.Duration, want wire.VerdictState, frozen bool) {
		t.Helper()
		j.Advance(at.Add(after))
		v, _ := j.Verdict("web")
		if v.State != want || v.Frozen != frozen {
			t.Errorf("after %v it is %s, frozen %t (%s), want %s, %t", after, v.State, v.Frozen, v.Why, want, frozen)
		}
	}
	beat(at)
	run(at.Add(time.Second))
	state(2*time.Second, wire.VerdictUp, false)
	state(time.Minute, wire.VerdictUp, true)
	state(119*time.Second, wire.VerdictUp, true)
	state(122*time.Second, wire.VerdictUnknown, true)
	if v, _ := j.Verdict("web"); v.Blame == nil || v.Blame.Class != wire.BlameBroker {
		t.Errorf("the blame is %+v, want the broker", v.Blame)
	}
	back := at.Add(10 * time.Minute)
	beat(back)
	state(10*time.Minute+time.Second, wire.VerdictUnknown, false)
	run(back.Add(2 * time.Second))
	state(10*time.Minute+3*time.Second, wire.VerdictUp, false)
}
