package judge

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"netmon/wire"
)

// Shards is how many parts with monitors a checkpoint has.
const Shards = 256

// Shard is one part of a checkpoint: what the judge needs of some monitors or, the
// last of them, of the agents and the mesh, in JSON.
type Shard struct {
	Index int // 0 to Shards
	Data  []byte
}

// shardOf is the part of a checkpoint in which a monitor is.
func shardOf(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32() % Shards)
}

// touch notes that the monitor's part of the checkpoint changed, and touchMesh that of
// the agents and the mesh.
func (j *Judge) touch(m *monitor) { j.touched[m.shard] = true }
func (j *Judge) touchMesh()       { j.touched[Shards] = true }

// monitorPart is a monitor in a checkpoint.
type monitorPart struct {
	*monitor
	On []seriesPart `json:"on,omitempty"`
}

type seriesPart struct {
	Agent string `json:"agent"`
	*series
}

// meshPart is the last part.
type meshPart struct {
	Now    moment            `json:"now,omitzero"`
	Mesh   mesh              `json:"mesh"`
	Budget budget            `json:"budget"`
	Agents map[string]*agent `json:"agents,omitempty"`
}

// Checkpoint is what changed since the last one, in as few parts as there can be. What
// Changes and Asks have is asked for before: it is not in it.
func (j *Judge) Checkpoint() []Shard {
	var parts [Shards][]monitorPart
	for _, m := range j.monitors {
		if !j.touched[m.shard] {
			continue
		}
		p := monitorPart{monitor: m}
		for _, s := range m.Series {
			p.On = append(p.On, seriesPart{s.a.id, s})
		}
		parts[m.shard] = append(parts[m.shard], p)
	}
	var out []Shard
	for i, list := range parts {
		if j.touched[i] {
			slices.SortFunc(list, func(a, b monitorPart) int { return strings.Compare(a.Name, b.Name) })
			out = append(out, Shard{i, encode(list)})
		}
	}
	if j.touched[Shards] {
		out = append(out, Shard{Shards, encode(meshPart{j.now, j.mesh, j.budget, j.agents})})
	}
	j.touched = [Shards + 1]bool{}
	return out
}

// encode writes what is made of plain values: it cannot fail.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("judge: write a checkpoint: %v", err))
	}
	return data
}

// Restore makes a judge of all the parts of a checkpoint, in any order; a part that was
// never written is left out. It continues as the one that wrote them would have.
func Restore(shards []Shard) (*Judge, error) {
	j := New()
	var seen [Shards + 1]bool
	for _, s := range shards {
		if s.Index < 0 || s.Index > Shards {
			return nil, fmt.Errorf("restore: part %d: want 0 to %d", s.Index, Shards)
		}
		if seen[s.Index] {
			return nil, fmt.Errorf("restore: part %d is given twice", s.Index)
		}
		seen[s.Index] = true
	}
	for _, s := range shards {
		if s.Index == Shards {
			if err := j.readMesh(s.Data); err != nil {
				return nil, fmt.Errorf("restore: part %d: %w", s.Index, err)
			}
		}
	}
	for _, s := range shards {
		if s.Index < Shards {
			if err := j.readMonitors(s.Index, s.Data); err != nil {
				return nil, fmt.Errorf("restore: part %d: %w", s.Index, err)
			}
		}
	}
	j.derive()
	return j, nil
}

func (j *Judge) readMesh(data []byte) error {
	p := meshPart{}
	if err := decode(data, &p); err != nil {
		return err
	}
	j.now, j.mesh, j.budget = p.Now, p.Mesh, p.Budget
	for id, a := range p.Agents {
		if a == nil {
			return fmt.Errorf("agent %q is null", id)
		}
		if err := wire.CheckToken(id); err != nil {
			return fmt.Errorf("agent %w", err)
		}
		a.id = id
		j.agents[id] = a
	}
	return nil
}

func (j *Judge) readMonitors(index int, data []byte) error {
	var parts []struct {
		monitor
		On []struct {
			Agent string `json:"agent"`
			series
		} `json:"on"`
	}
	if err := decode(data, &parts); err != nil {
		return err
	}
	for i := range parts {
		p := &parts[i]
		m := newMonitor(p.Name)
		shard := m.shard
		*m = p.monitor
		m.shard = shard
		if err := m.check(); err != nil {
			return fmt.Errorf("monitor %q: %w", wire.Clip(m.Name, wire.MaxToken), err)
		}
		if j.monitors[m.Name] != nil || shard != index {
			return fmt.Errorf("monitor %q does not belong here", m.Name)
		}
		m.derive()
		for k := range p.On {
			s := &p.On[k].series
			s.m, s.a = m, j.agents[p.On[k].Agent]
			if s.a == nil || m.of(s.a.id) != nil {
				return fmt.Errorf("monitor %q: no such agent: %q", m.Name, wire.Clip(p.On[k].Agent, wire.MaxToken))
			}
			if len(s.Runs) > m.window() {
				return fmt.Errorf("monitor %q on %s: %d runs, want at most %d", m.Name, s.a.id, len(s.Runs), m.window())
			}
			at, _ := m.find(s.a.id)
			m.Series = slices.Insert(m.Series, at, s)
		}
		j.monitors[m.Name] = m
	}
	return nil
}

// check says what would do harm.
func (m *monitor) check() error {
	if m.Deleted {
		return wire.CheckToken(m.Name)
	}
	if m.Cross != nil && (len(m.Cross.Asked) > 1000) {
		return errors.New("cross-check: it is none")
	}
	return m.Validate()
}

func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // of a newer judge: what it means by them is not known here
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("there is more than one value")
	}
	return nil
}

// derive finds what follows from the rest: who depends on whom, who reaches what, timers.
func (j *Judge) derive() {
	j.restoring = true
	j.linkParents()
	for _, m := range j.monitors {
		j.compare(m)
		if m.Armed != 0 {
			j.timers = append(j.timers, timer{at: m.Armed, m: m})
		}
		for _, s := range m.Series {
			if s.Armed != 0 {
				j.timers = append(j.timers, timer{at: s.Armed, m: m, a: s.a})
			}
		}
	}
	for _, a := range j.agents {
		a.dirty = false // to compare is not to judge
		if a.Armed != 0 {
			j.timers = append(j.timers, timer{at: a.Armed, a: a})
		}
	}
	if j.mesh.Armed != 0 {
		j.timers = append(j.timers, timer{at: j.mesh.Armed})
	}
	heap.Init(&j.timers)
	j.restoring = false
	j.dirtyAgents, j.dirtyMonitors = nil, nil
	j.touched = [Shards + 1]bool{}
}
