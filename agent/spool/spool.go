// Package spool keeps records on disk until somebody else has them.
//
// It is a queue of segment files. Append puts a record in memory. Records are written
// when Read is called, which returns only what is written, or, when nobody reads,
// within 50 ms by a goroutine that also syncs every second. So nothing leaves the
// process that a kill could make it forget, and no number is used twice. A reader that
// keeps up gets its records from memory, not from the file.
//
// A record that was written survives the death of the process. After a power failure
// the last second may be missing, and nobody knows what it held: then a new epoch
// begins, so that no number stands for two records. When the spool is full the oldest
// segment is deleted, and each lost record is counted and reported in the next one of
// its key.
package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// Options of a spool. The zero value of a field means its default.
type Options struct {
	MaxBytes     int64         // on disk; default 1 GiB
	MaxAge       time.Duration // of a segment's newest record; default 7 days
	SegmentBytes int64         // at which a new file is begun; default 8 MiB, at most a quarter of MaxBytes
	Log          *slog.Logger
	// Mark, when not nil, is the mark of a record by its data. It is asked when the
	// spool is opened, for the last record of each key that is still there.
	Mark func(data []byte) (m Mark, ok bool)
	// Unmarked, when not nil, says that a record has no mark: that of the previous one
	// it stays. It is asked of every record when the spool is opened.
	Unmarked func(data []byte) bool

	boot string // of the system; default bootID()
}

const (
	syncEvery = time.Second
	// writeAfter is how long a record waits in memory for somebody to read it.
	writeAfter = 50 * time.Millisecond
	// freshMost bounds the written records that are kept in memory for the reader.
	freshMost = 4096
	// maxWaiting bounds the bytes that wait in memory while the disk takes nothing.
	maxWaiting = 16 << 20
	// smallWrite is what is written at once to a disk that is nearly full.
	smallWrite = 16 << 10
)

// Record is one entry of the queue.
type Record struct {
	Epoch string    // of the numbering that Seq and Run belong to
	Seq   uint64    // its number among all records
	Run   uint64    // its number among those of its key
	At    time.Time // when it was appended, by the wall clock
	Key   string
	Data  []byte
	// Waited is how long it was here when it was read. Steps of the wall clock
	// in the life of this process are not in it.
	Waited time.Duration
	// Dropped counts the records of this key that were lost just before this one.
	Dropped uint64
}

// Mark is what the owner wants to be remembered of the last record of a key, also
// when that is long with somebody else: two numbers that mean nothing here.
type Mark [2]int64

// Spool is safe for use by several goroutines; Read and Done belong to one reader.
type Spool struct {
	dir    string
	o      Options
	wakeup chan struct{} // to the writer; has room for one
	ready  chan struct{} // to the reader; has room for one
	quit   chan struct{}
	wg     sync.WaitGroup

	secret secret // does not change once the spool is open

	mu       sync.Mutex // guards what follows
	clock    clock
	epoch    string
	segments []*segment // oldest first; the last one is written to
	file     *os.File   // of the last segment; nil before the first record
	unsynced bool
	full     []*os.File // of the segments before it, not yet synced

	waiting []byte      // encoded records that are not yet written
	kept    []stub      // what waiting holds
	late    *time.Timer // to the writer: records have waited for writeAfter

	written uint64   // number of the last record that is written
	fresh   []Record // the last of these, when the reader has had all before them

	seq     uint64 // last number given
	runs    map[string]uint64
	marks   map[string]Mark
	gaps    map[string][]gap
	pending int
	dropped uint64 // since the spool was opened
	problem error  // why nothing can be written
	whole   bool   // closed, with everything on the disk
	unsaved bool   // the numbers could not be saved
	unsure  unsure

	at        position // where the reader is
	done      uint64   // all up to this one are with somebody else
	savedDone uint64
}

// unsure is what a power failure may take, as the disk did not accept it. It can
// be read and delivered until then. That a later sync succeeds means nothing: the
// kernel has forgotten by then what it could not write.
type unsure struct {
	upTo uint64 // the number of the last such record
	err  error  // why; nil when there is none
}

// stub is what is known about a record without its data.
type stub struct {
	seq, run uint64
	key      string
	size     int
	before   Mark // of the key's record before
}

// gap says that Count records of a key are missing just before run Next.
type gap struct {
	Epoch string `json:"epoch"`
	Next  uint64 `json:"next"`
	Count uint64 `json:"count"`
}

// before says that the gap can no longer be stated in r or after it. An epoch
// that is not the gap's is a later one.
func (g gap) before(r *Record) bool { return g.Epoch != r.Epoch || g.Next < r.Run }

// Open opens or makes a spool in dir. What cannot be read there is described in
// problem; it does not keep the spool from working.
func Open(dir string, o Options) (s *Spool, problem string, err error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.MaxAge == 0 {
		o.MaxAge = 7 * 24 * time.Hour
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 8 << 20
	}
	o.SegmentBytes = min(o.SegmentBytes, max(o.MaxBytes/4, 4096))
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.boot == "" {
		o.boot = bootID()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make spool: %w", err)
	}
	s = &Spool{dir: dir, o: o, wakeup: make(chan struct{}, 1), ready: make(chan struct{}, 1), quit: make(chan struct{}),
		late: time.NewTimer(time.Hour), clock: clock{now: systemClock()}, runs: map[string]uint64{}, marks: map[string]Mark{}, gaps: map[string][]gap{}}
	if problem, err = s.recover(); err != nil {
		return nil, "", fmt.Errorf("open spool: %w", err)
	}
	s.written = s.seq
	if s.pending > 0 {
		wake(s.ready)
	}
	s.wg.Go(s.writer)
	return s, problem, nil
}

// Ready is signalled when there may be something to Read.
func (s *Spool) Ready() <-chan struct{} { return s.ready }

// Append numbers a record and keeps it. encode appends its data, which may hold
// the numbers, to buf.
func (s *Spool) Append(key string, encode func(buf []byte, epoch string, seq, run uint64) ([]byte, error)) error {
	return s.AppendMarked(key, Mark{}, encode)
}

// Marked is the mark of the key's last record; ok is false where there is none.
func (s *Spool) Marked(key string) (m Mark, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m = s.marks[key]
	return m, m != Mark{}
}

// AppendMarked is Append with a mark.
func (s *Spool) AppendMarked(key string, m Mark, encode func(buf []byte, epoch string, seq, run uint64) ([]byte, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seq, run := s.seq+1, s.runs[key]+1
	start := len(s.waiting)
	buf, err := beginRecord(s.waiting, seq, run, s.clock.stamp(seq), key)
	if err == nil {
		buf, err = encode(buf, s.epoch, seq, run)
	}
	if err == nil {
		err = endRecord(buf[start:])
	}
	if err != nil {
		return err
	}
	s.waiting, s.seq, s.runs[key] = buf, seq, run
	s.kept = append(s.kept, stub{seq, run, key, len(buf) - start, s.marks[key]})
	if m != (Mark{}) {
		s.marks[key] = m
	}
	s.pending++
	if len(s.waiting) > maxWaiting {
		s.dropWaiting()
	}
	if len(s.kept) == 1 {
		s.late.Reset(writeAfter)
	}
	wake(s.ready)
	return nil
}

// dropWaiting gives up the older half of what the disk did not take.
func (s *Spool) dropWaiting() {
	n, bytes := 0, 0
	for n < len(s.kept) && bytes < maxWaiting/2 {
		s.lose(s.epoch, s.kept[n].key, s.kept[n].run)
		bytes += s.kept[n].size
		n++
	}
	s.waiting = slices.Delete(s.waiting, 0, bytes)
	s.kept = slices.Delete(s.kept, 0, n)
}

// lose counts one lost record.
func (s *Spool) lose(epoch, key string, run uint64) {
	s.dropped++
	s.pending--
	list := s.gaps[key]
	if n := len(list); n > 0 && list[n-1].Epoch == epoch && list[n-1].Next == run {
		list[n-1].Next, list[n-1].Count = run+1, list[n-1].Count+1
		return
	}
	s.gaps[key] = append(list, gap{epoch, run + 1, 1})
}

// skip gives up what is left of a segment that cannot be read. Whose these
// records were is not known: a hole in the numbers of their keys is what shows.
func (s *Spool) skip(g *segment) {
	n := g.lastSeq - s.at.seq
	s.at.seq = g.lastSeq
	s.dropped += n
	s.pending = max(s.pending-int(n), 0)
}

// Read writes what waits and hands out the records after the last one that was
// read, most of them at the most; none when there are none.
func (s *Spool) Read(most int) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	out := s.readFresh(most)
	for i := 0; i < len(s.segments) && len(out) < most; i++ {
		g := s.segments[i]
		if g.lastSeq <= s.at.seq {
			continue
		}
		records, err := s.at.read(g, most-len(out))
		if err != nil {
			s.o.Log.Error("cannot read a segment of the spool to its end", "file", g.path, "error", err)
			s.skip(g)
		}
		out = append(out, records...)
	}
	for i := range out {
		r := &out[i]
		r.Waited = s.clock.waited(r.Seq, r.At)
		list := s.gaps[r.Key]
		for len(list) > 0 && list[0].before(r) {
			list = list[1:]
		}
		if len(list) == 0 {
			delete(s.gaps, r.Key)
			continue
		}
		s.gaps[r.Key] = list
		if list[0].Epoch == r.Epoch && list[0].Next == r.Run {
			r.Dropped = list[0].Count
		}
	}
	return out
}

// readFresh hands out what is still in memory.
func (s *Spool) readFresh(most int) []Record {
	for len(s.fresh) > 0 && s.fresh[0].Seq <= s.at.seq { // dropped meanwhile
		s.fresh = s.fresh[1:]
	}
	n := min(most, len(s.fresh))
	out := s.fresh[:n:n]
	if n > 0 {
		s.fresh = s.fresh[n:]
		s.at.seq = out[n-1].Seq
	}
	return out
}

// Done says that all records up to seq, n more than at the last time, are with
// somebody else: they are no longer handed out, and their segments go.
func (s *Spool) Done(seq uint64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = max(s.done, seq)
	s.pending -= n
	s.trim()
	if s.unsure.err != nil && s.done >= s.unsure.upTo {
		s.unsure = unsure{}
		s.o.Log.Info("delivered what the disk of the spool had not accepted")
	}
	if s.problem != nil {
		wake(s.wakeup) // there may be room now
	}
}

// Last is the number of the last record: those up to it that Read hands out
// later may have been handed out by an earlier process, too.
func (s *Spool) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// Figures says how many records wait for somebody else, how many were ever
// numbered, and how many were lost since the spool was opened.
func (s *Spool) Figures() (pending int, seq, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending, s.seq, s.dropped
}

// Problem says why nothing can be written, or why what was written may not
// survive a power failure; nil when all is well.
func (s *Spool) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.problem, s.unsure.err)
}

// Close writes and syncs what is left.
func (s *Spool) Close() error {
	close(s.quit)
	s.wg.Wait()
	s.mu.Lock()
	s.flush()
	s.mu.Unlock()
	full := s.finishFull()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at.close()
	err := errors.Join(s.problem, full)
	if s.file != nil {
		err = errors.Join(err, s.file.Sync(), s.file.Close())
	}
	s.whole = err == nil
	return errors.Join(err, s.saveCursor(), s.saveNumbers(true))
}

// writtenRuns are the run numbers and marks of what is written: the numbers of
// what waits could still be given again after a kill.
func (s *Spool) writtenRuns() (seq uint64, runs map[string]uint64, marks map[string]Mark) {
	seq, runs, marks = s.seq, maps.Clone(s.runs), maps.Clone(s.marks)
	for _, k := range slices.Backward(s.kept) {
		runs[k.key], marks[k.key] = k.run-1, k.before
		seq = k.seq - 1
	}
	return seq, runs, marks
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
