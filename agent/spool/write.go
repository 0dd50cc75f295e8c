package spool

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// writer moves records that nobody reads from memory to the file, and syncs.
func (s *Spool) writer() {
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-s.wakeup:
			s.writeUnread()
			s.noteSync(s.finishFull())
		case <-s.late.C:
			s.writeUnread()
		case <-ticker.C:
			s.writeUnread()
			s.mu.Lock()
			s.expire()
			file := s.file
			unsynced := s.unsynced
			s.unsynced = false
			s.saveCursor()
			s.mu.Unlock()
			s.noteSync(s.finishFull())
			if unsynced { // without the lock: a sync may take long
				s.noteSync(file.Sync())
			}
		}
	}
}

// noteSync takes the outcome of a sync of what is written.
func (s *Spool) noteSync(err error) {
	if err == nil || errors.Is(err, os.ErrClosed) { // its segment was delivered meanwhile
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done >= s.written {
		return // nothing is left to lose
	}
	if s.unsure.err == nil {
		s.o.Log.Error("the disk does not accept the spool: a power failure may lose queued results", "error", err)
	}
	s.unsure = unsure{s.written, fmt.Errorf("sync spool: %w: a power failure may lose queued results", err)}
}

// writeUnread writes what nobody has read, and signals the reader.
func (s *Spool) writeUnread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	if s.at.seq < s.written {
		wake(s.ready)
	}
}

// flush writes what waits. On a full disk the oldest segment makes room for
// the newest records; what cannot be written at all waits in memory.
func (s *Spool) flush() {
	s.late.Stop()
	s.saveAgain()
	most := s.o.SegmentBytes
	for len(s.kept) > 0 {
		err := s.writeOut(most)
		if err == nil {
			if s.problem != nil {
				s.o.Log.Info("can write the spool again")
			}
			s.problem = nil
			continue
		}
		if errors.Is(err, syscall.ENOSPC) && len(s.segments) > 1 {
			s.dropOldest()
			continue
		}
		if errors.Is(err, syscall.ENOSPC) && s.clearLast() {
			continue
		}
		if errors.Is(err, syscall.ENOSPC) && most > smallWrite {
			most = smallWrite // more may wait than this disk ever has room for
			continue
		}
		if s.problem == nil {
			s.o.Log.Error("cannot write the spool, results are queued in memory", "error", err)
		}
		s.problem = fmt.Errorf("write spool: %w", err)
		return
	}
}

// writeOut writes as much of what waits as fits the segment, about most bytes.
func (s *Spool) writeOut(most int64) error {
	if s.file == nil || s.last().size >= s.o.SegmentBytes {
		if err := s.roll(); err != nil {
			return err
		}
	}
	last := s.last()
	n, bytes := 0, 0
	for n < len(s.kept) && (n == 0 || last.size+int64(bytes) < s.o.SegmentBytes && int64(bytes+s.kept[n].size) <= most) {
		bytes += s.kept[n].size
		n++
	}
	if _, err := s.file.WriteAt(s.waiting[:bytes], last.size); err != nil {
		s.file.Truncate(last.size) // leave no half record behind
		return err
	}
	last.size += int64(bytes)
	last.lastSeq = s.kept[n-1].seq
	s.keepFresh(n, bytes)
	s.kept = slices.Delete(s.kept, 0, n)
	s.unsynced = true
	for s.bytes() > s.o.MaxBytes && len(s.segments) > 1 {
		s.dropOldest()
	}
	return nil
}

// keepFresh takes the first n records, which are now written, out of what waits,
// and keeps them for a reader that has had all before them.
func (s *Spool) keepFresh(n, bytes int) {
	next := s.at.seq
	if f := len(s.fresh); f > 0 {
		next = s.fresh[f-1].Seq
	}
	keepsUp := next >= s.written && len(s.fresh)+n <= freshMost
	s.written = s.kept[n-1].seq
	if !keepsUp {
		s.fresh = nil
		s.waiting = slices.Delete(s.waiting, 0, bytes)
		return
	}
	out := slices.Grow(s.fresh, n)
	at := 0
	for _, k := range s.kept[:n] {
		r := recordOf(s.waiting[at+8:at+k.size:at+k.size], k.key)
		r.Epoch = s.epoch
		out = append(out, r)
		at += k.size
	}
	s.fresh = out
	// The records are in the old buffer. The next one is as large as this was.
	s.waiting = append(make([]byte, 0, len(s.waiting)+1024), s.waiting[bytes:]...)
}

// clearLast deletes the only segment when all of it is with somebody else: on a
// small disk it can be what fills it.
func (s *Spool) clearLast() bool {
	if len(s.segments) != 1 || s.last().lastSeq > s.done || s.last().size == int64(headerSize) {
		return false
	}
	// The numbers that were given out since the last save are in this file alone.
	// On a disk that is full there is room for them only once it is gone.
	saved := s.saveNumbers(false) == nil
	s.file.Close()
	s.file = nil
	s.removeOldest()
	if !saved {
		_ = s.saveNumbers(false) // the next save tries again
	}
	return true
}

func (s *Spool) last() *segment { return s.segments[len(s.segments)-1] }

func (s *Spool) bytes() (n int64) {
	for _, g := range s.segments {
		n += g.size
	}
	return n
}

// finishFull syncs and closes the segments that are full. It holds no lock
// meanwhile: with one, each 8 MiB of results held up the probes for 80 ms.
func (s *Spool) finishFull() (err error) {
	s.mu.Lock()
	full := s.full
	s.full = nil
	s.mu.Unlock()
	for _, f := range full {
		err = errors.Join(err, f.Sync(), f.Close())
	}
	return err
}

// roll begins a new segment. The numbers reached are saved, so that the
// segments before it may go; a power failure that they do not outlive begins a
// new numbering anyway.
func (s *Spool) roll() error {
	g, f, err := createSegment(s.dir, s.epoch, s.kept[0].seq)
	if err != nil {
		return err
	}
	if s.file != nil {
		s.full = append(s.full, s.file)
		wake(s.wakeup)
	}
	s.segments, s.file = append(s.segments, g), f
	if err := s.saveNumbers(false); err != nil {
		return err
	}
	s.trim()
	return nil
}

// trim deletes the segments that nobody needs any more. Numbers that could not
// be saved are in them alone.
func (s *Spool) trim() {
	if s.unsaved {
		return
	}
	for len(s.segments) > 1 && s.segments[0].lastSeq <= s.done {
		s.removeOldest()
	}
}

func (s *Spool) removeOldest() {
	g := s.segments[0]
	s.segments = s.segments[1:]
	if s.at.segment == g {
		s.at.close()
	}
	s.full = slices.DeleteFunc(s.full, func(f *os.File) bool { // open, it would keep its room on the disk
		if f.Name() != g.path {
			return false
		}
		f.Close()
		return true
	})
	if err := os.Remove(g.path); err != nil {
		s.o.Log.Error("remove a segment of the spool", "error", err)
	}
}

// expire drops segments whose newest record is over the age.
func (s *Spool) expire() {
	for len(s.segments) > 1 && time.Since(s.segments[0].newest()) > s.o.MaxAge {
		s.dropOldest()
	}
}

// dropOldest deletes the oldest segment and counts what nobody has read.
func (s *Spool) dropOldest() {
	g := s.segments[0]
	before := s.dropped
	if g.lastSeq > s.at.seq {
		err := g.each(func(r Record) {
			if r.Seq > s.at.seq {
				s.lose(r.Epoch, r.Key, r.Run)
				s.at.seq = r.Seq
			}
		})
		if err != nil {
			s.o.Log.Error("read a segment of the spool", "file", g.path, "error", err)
			s.skip(g)
		}
		s.at.seq = g.lastSeq
	}
	if n := s.dropped - before; n > 0 {
		s.o.Log.Warn("the spool is full: its oldest results are lost", "results", n)
	}
	s.removeOldest()
	if err := s.saveNumbers(true); err != nil {
		s.o.Log.Error("save the spool's numbers", "error", err)
	}
}
