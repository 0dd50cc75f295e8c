package feed

import (
	"sync"
	"time"

	"netmon/history/store"
)

// Gap is a time of which results were gone before they were read.
type Gap struct {
	From    time.Time
	To      time.Time
	Results uint64
}

// status is how far a feeder is, for others.
type status struct {
	mu      sync.Mutex // guards what follows
	open    bool
	trouble string // why nothing is kept, or written
	last    uint64 // in the stream RESULTS when it was opened
	seq     uint64 // of the last result that was added
	at      time.Time
	pending uint64 // results that are stored behind it
	gaps    []Gap  // the last ones
	file    store.Stats
}

// gapsMost is how many gaps are reported.
const gapsMost = 16

func (s *status) broke(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.trouble = false, err.Error()
}

func (s *status) opened(last, left uint64, file store.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.trouble, s.last, s.pending, s.file = true, "", last, left, file
}

func (s *status) wrote(err error, file store.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble, s.file = "", file
	if err != nil {
		s.trouble = err.Error()
	}
}

func (s *status) reached(r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq, s.at, s.pending = r.Sequence, r.Stored, r.Pending
}

func (s *status) gap(g Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps = append(s.gaps[max(0, len(s.gaps)-gapsMost+1):], g)
}

// near says that it is close to the newest result.
func (s *status) near() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open && (s.pending < nearResults || time.Since(s.at) < nearTime)
}

// why says what is wrong, "" for nothing.
func (s *status) why() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// How far behind a feeder may be that answers while it does not lead.
const (
	nearResults = 5000
	nearTime    = time.Minute
)
