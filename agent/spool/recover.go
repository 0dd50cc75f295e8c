package spool

import (
	"crypto/rand"
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
)

// numbers is what the segments alone do not show once the older ones are gone.
// It is saved whenever a segment is begun or dropped.
type numbers struct {
	Epoch string            `json:"epoch"`
	Seq   uint64            `json:"seq"`  // of the last record written by then
	Runs  map[string]uint64 `json:"runs"` // by then, by key
	Gaps  map[string][]gap  `json:"gaps,omitempty"`
	Marks map[string]Mark   `json:"marks,omitempty"` // by then, by key
	Boot  string            `json:"boot,omitempty"`  // of the system that it was written under
	Whole bool              `json:"whole,omitempty"` // the spool was closed, and all of it is on the disk
}

// holds says that the segments hold every number that was given since: the
// process may have been killed, and the system has not been.
func (n numbers) holds(boot string) bool { return n.Whole || n.Boot != "" && n.Boot == boot }

const (
	numbersName = "numbers.json"
	cursorName  = "cursor.json"
)

func (s *Spool) saveNumbers(sync bool) error {
	seq, runs, marks := s.writtenRuns()
	err := s.save(numbersName, numbers{s.epoch, seq, runs, s.gaps, marks, s.o.boot, s.whole}, sync)
	s.unsaved = err != nil
	return err
}

// saveAgain saves the numbers where that failed the last time.
func (s *Spool) saveAgain() {
	if s.unsaved && s.saveNumbers(false) == nil {
		s.trim()
	}
}

// saveCursor saves how far the reader's side is done. It is a hint: a reader
// that finds it a second old reads some records again.
func (s *Spool) saveCursor() error {
	if s.done == s.savedDone {
		return nil
	}
	err := s.save(cursorName, cursor{s.done}, false)
	if err == nil {
		s.savedDone = s.done
	}
	return err
}

type cursor struct {
	Done uint64 `json:"done"`
}

// save replaces a small file at once.
func (s *Spool) save(name string, v any, sync bool) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, name)
	f, err := os.OpenFile(path+".tmp", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if sync {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// load reads a small file; found is false when there is none that can be read.
func (s *Spool) load(name string, v any) (found bool, problem string) {
	data, err := readSmall(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, ""
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return false, fmt.Sprintf("%s: %v", name, err)
	}
	return true, ""
}

// maxNumbers bounds the small files, in bytes: 100,000 keys take 10 MB.
const maxNumbers = 64 << 20

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNumbers+1))
	if err == nil && len(data) > maxNumbers {
		err = fmt.Errorf("over %d bytes", maxNumbers)
	}
	return data, err
}

// recover reads what an earlier process left.
func (s *Spool) recover() (problem string, err error) {
	var problems []string
	note := func(p string) {
		if p != "" {
			problems = append(problems, p)
		}
	}
	var n numbers
	var c cursor
	known, p := s.load(numbersName, &n)
	note(p)
	_, p = s.load(cursorName, &c)
	note(p)
	// Without the numbers, what is there keeps its own, and what comes gets a
	// numbering of its own.
	s.epoch = rand.Text()[:epochBytes]
	if known && len(n.Epoch) == epochBytes {
		s.seq = n.Seq
		maps.Copy(s.gaps, n.Gaps)
		maps.Copy(s.marks, n.Marks)
		if n.holds(s.o.boot) {
			s.epoch = n.Epoch
			maps.Copy(s.runs, n.Runs)
		} else {
			s.o.Log.Warn("the system went down before the spool's last second was on disk: the numbers of results start over")
		}
	}
	s.done, s.savedDone, s.at.seq = c.Done, c.Done, c.Done
	if c.Done > s.seq {
		s.seq = c.Done // never hand out a number that was done
	}

	paths, err := filepath.Glob(filepath.Join(s.dir, "*"+suffix))
	if err != nil {
		return "", err
	}
	slices.Sort(paths)
	last := map[string][]byte{} // the data of each key's last record with a mark
	for i, path := range paths {
		g, err := openSegment(path)
		if err == nil {
			err = s.adopt(g, i == len(paths)-1, last)
		}
		if err != nil {
			note(fmt.Sprintf("%s: %v", filepath.Base(path), err))
		}
	}
	for key, data := range last {
		if m, ok := s.o.Mark(data); ok {
			s.marks[key] = m
		}
	}
	if err := s.saveNumbers(true); err != nil {
		return "", err
	}
	p, err = s.openSecret()
	note(p)
	if err != nil {
		return "", err
	}
	s.trim()
	if len(problems) > 0 {
		problem = "spool: " + strings.Join(problems, "; ")
	}
	return problem, nil
}

// adopt takes over a segment of an earlier process. The records before a torn
// one are kept; what follows it cannot be found. data is where the data of each
// key's last record goes.
func (s *Spool) adopt(g *segment, last bool, data map[string][]byte) error {
	info, err := os.Stat(g.path)
	if err != nil {
		return err
	}
	size, err := g.scan(info.Size(), func(r Record) {
		if g.epoch == s.epoch {
			if run, ok := s.runs[r.Key]; !ok || r.Run > run {
				s.runs[r.Key] = r.Run
			}
		}
		if s.o.Mark != nil && (s.o.Unmarked == nil || !s.o.Unmarked(r.Data)) {
			data[r.Key] = r.Data
		}
		s.seq = max(s.seq, r.Seq)
		g.lastSeq = r.Seq
		if r.Seq > s.done {
			s.pending++
		}
	})
	g.size = size
	if cut := info.Size() - size; err != nil && last {
		// A process that was killed while it wrote leaves a part of a record,
		// which nobody was ever given.
		if terr := os.Truncate(g.path, size); terr != nil {
			return terr
		}
		if errors.Is(err, errTorn) {
			err = nil
			s.o.Log.Warn("cut off the spool's last record, which was incomplete", "file", g.path, "bytes", cut)
		}
	}
	if size == int64(headerSize) {
		return errors.Join(err, os.Remove(g.path)) // begun, and nothing written
	}
	s.segments = append(s.segments, g)
	return err
}
