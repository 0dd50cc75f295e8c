package judge

import (
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// quietAfter is when nobody is heard: every agent's heartbeat is missing. It is less than
// any silence of a series, so that none counts while the broker is unreachable.
const quietAfter = wire.AliveEvery + 2*time.Second

// lostAfter is how long verdicts stay as they are while nobody is heard: a broker that is
// restarted is back by then. After that nothing is known, as a gap is never up.
const lostAfter = 2 * time.Minute

// mesh is what is known about all agents together.
type mesh struct {
	Heard  moment `json:"heard,omitzero"`  // the newest word of anybody
	Quiet  bool   `json:"quiet,omitempty"` // nobody is heard: no silence counts
	Lost   bool   `json:"lost,omitempty"`  // for so long that nothing is known any more
	Thawed moment `json:"thawed,omitzero"` // when somebody was heard again: silence counts from then
	Armed  moment `json:"armed,omitzero"`  // its timer; 0 when there is none

	Holds wire.MeshVerdict `json:"verdict,omitzero"` // that was reported
}

// hearMesh notes a word of anybody.
func (j *Judge) hearMesh() {
	j.mesh.Heard = j.now
	j.touchMesh()
	if j.mesh.Quiet {
		j.thaw()
	}
	j.arm(&j.mesh.Armed, timer{at: j.now.add(quietAfter)})
}

// checkMesh checks whether anybody is heard. Where nobody should be, nobody is missing.
func (j *Judge) checkMesh() {
	if due := j.mesh.Heard.add(quietAfter); j.now < due {
		j.arm(&j.mesh.Armed, timer{at: due})
		return
	}
	if !j.mesh.Quiet {
		if !j.anybody() {
			return
		}
		j.mesh.Quiet = true
		j.touchMesh()
	}
	due := j.mesh.Heard.add(j.plausible())
	if j.now < due {
		j.arm(&j.mesh.Armed, timer{at: due})
		return
	}
	if !j.mesh.Holds.Frozen {
		j.publishMesh(true, j.mesh.Heard, "no agent is heard: verdicts stay as they are")
	}
	switch due := j.mesh.Heard.add(lostAfter); {
	case j.now < due:
		j.arm(&j.mesh.Armed, timer{at: due})
	case !j.mesh.Lost:
		j.lose()
	}
}

// lose makes every series silent.
func (j *Judge) lose() {
	j.mesh.Lost = true
	j.touchMesh()
	for _, name := range slices.Sorted(maps.Keys(j.monitors)) {
		m := j.monitors[name]
		for _, s := range m.Series {
			if s.Placed && !s.Silent && !m.Paused && !m.Deleted {
				s.Silent = true
				s.reset()
			}
		}
		j.compare(m)
		j.mark(m)
	}
	j.publishMesh(true, j.mesh.Heard, "no agent is heard: nothing is known of any monitor")
}

// plausible is after how long it is said that nobody is heard: sooner where something is
// measured so often that it cannot be chance.
func (j *Judge) plausible() time.Duration {
	for _, m := range j.monitors {
		if !m.Deleted && !m.Paused && m.Every.Std() <= leastSilence/3 {
			return leastSilence
		}
	}
	return wire.OfflineAfter - wire.AliveEvery/2
}

func (j *Judge) anybody() bool {
	for _, a := range j.agents {
		if a.online() {
			return true
		}
	}
	return false
}

// thaw keeps judging. Silence counts from now.
func (j *Judge) thaw() {
	j.mesh.Quiet, j.mesh.Lost, j.mesh.Thawed = false, false, j.now
	if j.mesh.Holds.Frozen {
		j.publishMesh(false, j.now, "agents are heard again")
	}
	for _, a := range j.agents {
		a.Back = j.now
		if !a.Away {
			a.OnTime = j.now
			j.arm(&a.Armed, timer{at: a.deadline(j.now), a: a})
		}
	}
	for _, m := range j.monitors {
		for _, s := range m.Series {
			j.armSilence(s)
		}
	}
}

func (j *Judge) publishMesh(frozen bool, since moment, why string) {
	v := &j.mesh.Holds
	v.Frozen, v.Since, v.At, v.N, v.Why = frozen, since.time(), j.now.time(), v.N+1, why
	told := *v
	j.changes = append(j.changes, Change{Mesh: &told})
}
