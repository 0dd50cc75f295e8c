package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"netmon/internal/atomicfile"
	"netmon/wire"
)

// stateFile is what the agent resumes after a restart, before any broker is
// reachable.
type stateFile struct {
	Format   int               `json:"format"` // 1
	Agent    string            `json:"agent"`
	Store    string            `json:"store,omitempty"`
	Revision uint64            `json:"revision,omitempty"`
	Gone     map[string]uint64 `json:"gone,omitempty"`
	Monitors []savedEntry      `json:"monitors"`
}

type savedEntry struct {
	wire.Monitor
	Store   string    `json:"store,omitempty"`
	Touched uint64    `json:"touched,omitempty"`
	By      string    `json:"by,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

const stateName = "state.json"

// saveState replaces the file at once: whoever reads it sees the old or the new.
func saveState(dir string, s stateFile) error {
	s.Format = 1
	return atomicfile.WriteBy(filepath.Join(dir, stateName), s.write)
}

// write writes a monitor a line, each encoded by itself: ten thousand at once,
// and indented, took 5 MB for every command.
func (s stateFile) write(to io.Writer) error {
	head := s
	head.Monitors = []savedEntry{}
	data, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	w := bufio.NewWriterSize(to, 64<<10)
	w.Write(bytes.TrimSuffix(data, []byte("]}"))) // monitors are its last field
	lines := json.NewEncoder(w)
	before := "\n"
	for _, m := range s.Monitors {
		w.WriteString(before)
		if err := lines.Encode(m); err != nil {
			return fmt.Errorf("encode state: %w", err)
		}
		before = ","
	}
	w.WriteString("]}\n")
	return w.Flush()
}

// loadState reads the file. A missing one is an empty state. One that cannot be
// read is set aside, so that it is neither lost nor in the way, and problem
// says so.
func loadState(dir, agent string) (s stateFile, problem string, err error) {
	path := filepath.Join(dir, stateName)
	data, err := readState(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stateFile{}, "", nil
	}
	if err != nil {
		return stateFile{}, "", err
	}
	s, left, bad := decodeState(data)
	if bad == nil && s.Agent != agent {
		bad = fmt.Errorf("it belongs to agent %q", s.Agent)
	}
	if bad == nil {
		if len(left) > 0 {
			problem = fmt.Sprintf("names may no longer begin with -: skipped these monitors of the state file: %q: save them under other names", left)
		}
		return s, problem, nil
	}
	aside := fmt.Sprintf("%s.%s.bad", path, time.Now().UTC().Format("20060102T150405.000000000"))
	if err := os.Rename(path, aside); err != nil {
		return stateFile{}, "", err
	}
	return stateFile{}, fmt.Sprintf("state file could not be read (%v): moved it to %s and started without monitors", bad, filepath.Base(aside)), nil
}

// MaxState bounds the state file, in bytes: MaxMonitors of usual size are a
// third of it.
const MaxState = 128 << 20

// readState reads no more of the file than decodeState needs to refuse it.
func readState(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxState+1))
}

// decodeState reads the file. left are monitors with a name that was one once.
func decodeState(data []byte) (s stateFile, left []string, err error) {
	if len(data) > MaxState {
		return stateFile{}, nil, fmt.Errorf("over %d bytes", MaxState)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return stateFile{}, nil, err
	}
	if s.Format != 1 {
		return stateFile{}, nil, fmt.Errorf("format %d, want 1", s.Format)
	}
	if len(s.Monitors) > wire.MaxMonitors || len(s.Gone) > wire.MaxMonitors {
		return stateFile{}, nil, fmt.Errorf("%d monitors and %d stopped ones: want at most %d of each", len(s.Monitors), len(s.Gone), wire.MaxMonitors)
	}
	for i, m := range s.Monitors {
		// What else is wrong with one, resume finds: it must not cost the others.
		if err := wire.CheckElement(m.Name); err != nil {
			return stateFile{}, nil, fmt.Errorf("monitors[%d]: name: %w", i, err)
		}
	}
	s.Monitors = slices.DeleteFunc(s.Monitors, func(m savedEntry) bool {
		old := wire.CheckToken(m.Name) != nil
		if old {
			left = append(left, m.Name)
		}
		return old
	})
	return s, left, nil
}

// state is the set's part of the file.
func (s *set) state() stateFile {
	f := stateFile{Store: s.store, Revision: s.revision, Gone: s.gone, Monitors: []savedEntry{}}
	for _, e := range s.entries {
		f.Monitors = append(f.Monitors, savedEntry{e.monitor, e.store, e.touched, e.by, e.since})
	}
	slices.SortFunc(f.Monitors, func(a, b savedEntry) int { return strings.Compare(a.Name, b.Name) })
	return f
}

// accountedFor is the last tick of a monitor that ran in an earlier process which
// a result accounts for, or the previous one began; zero where nobody knows.
func (s *set) accountedFor(e *entry) (last time.Time) {
	every := e.monitor.Every.Std()
	if !e.since.IsZero() {
		last = firstDue(e.since, every, phase(s.runner.agent, e.monitor.Name, every)).Add(-every)
	}
	if s.lastTick == nil {
		return last
	}
	if due, covers, ok := s.lastTick(e.monitor.Name); ok {
		if at := due.Add(time.Duration(covers) * every); at.After(last) { // #nosec G115 -- what this agent counted
			last = at
		}
	}
	return last
}

// resume starts what the file says ran before. What this version of the agent
// refuses stays in the set as refused.
func (s *set) resume(f stateFile) {
	s.store, s.revision = f.Store, f.Revision
	maps.Copy(s.gone, f.Gone)
	for _, m := range f.Monitors {
		e := &entry{durableEntry: durableEntry{m.Monitor.WithDefaults(), m.Store, m.Touched, m.By, m.Since}}
		found, err := s.check(e.monitor)
		if err == nil {
			err = s.admit(e, found.footprint, nil)
		}
		if err != nil {
			e.refused = wire.Invalid(err)
		} else {
			s.begin(e, found.probe, s.accountedFor(e))
		}
		s.entries[m.Name] = e
	}
}
